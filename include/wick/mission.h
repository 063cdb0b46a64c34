/*
 * wick/mission.h - the mission profile: the events of agent-events v1 in their other vocabulary, flat and in capitals.
 *
 * A front end that appends what comes to a list wants objects without an envelope. This part writes them from the
 * events that wick/event.h reads, and reads the one message that such a front end sends:
 *
 *     {"type":"STREAM","mission_id":1,"seq":3,"ts":1795212345678,"agent_id":"guide.content","content":"Hello",...}
 *     {"type":"HUMAN_RESPONSE","request_id":"req_1795212345678","content":"yes"}
 *
 *     type                   from                                        fields beside the common ones
 *     STREAM                 agent.token                                 content message_id done
 *     THOUGHT                agent.thought                               content message_id
 *     ACTION                 agent.action                                tool phase call_id input output error
 *     OUTPUT                 agent.output, agent.completed               content final kind mime finish_reason event
 *     HUMAN_INPUT_REQUEST    agent.input_request                         request_id requestId content timeout_ms
 *                                                                        expires_at choices schema
 *     HUMAN_INPUT_RESOLVED   agent.input_resolved                        request_id requestId outcome
 *     USAGE                  agent.usage                                 as in agent.usage
 *     LOG                    agent.log                                   content level logger stream truncated
 *     SYSTEM                 mission.status, agent.started,              status content progress total step event
 *                            agent.progress, agent.state
 *     ERROR                  agent.failed, error                         code content retryable event re
 *
 * Common fields are type, mission_id, seq, ts and agent_id; a merged event also has first_seq. `event` is the type that
 * the object was made from. What the event leaves out is left out, but for `content` of OUTPUT and `done` of STREAM,
 * which are always there.
 */
#ifndef WICK_MISSION_H
#define WICK_MISSION_H

#include "wick/event.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Give the mission profile's name of a type, such as "STREAM"; "" if the profile has none for it. Never NULL. */
WICK_API const char *wick_mission_name(wick_type type);

/**
 * Write an event as an object of the mission profile.
 *
 * event    an event that was read, or is valid; head.seq 0 leaves seq out
 * flags    WICK_JSON_REPLACE, WICK_JSON_TRUSTED, or 0
 * out      the buffer; NULL with cap 0 asks for the size
 * len      set to the bytes of the object: written, or with WICK_E_SPACE needed; 0 with any other result
 *
 * Returns
 *   WICK_OK             written, on one line
 *   WICK_UNKNOWN_TYPE   the profile has no name for this type: send it as it is, or not at all
 *   WICK_E_SPACE        cap is too small
 *   WICK_E_JSON_...     a text is not UTF-8, or not what its form says
 */
WICK_API wick_status wick_mission_write(const wick_event *event, uint32_t flags, void *out, size_t cap, size_t *len);

/**
 * Read a message of a client of the mission profile.
 *
 * HUMAN_RESPONSE is given as an agent.input_response; whatever else is read as wick_event_read() does.
 *
 * Returns like wick_event_read(); paths of a HUMAN_RESPONSE's errors name its own fields, such as "content".
 */
WICK_API wick_status wick_mission_read(const wick_event_config *config, const void *data, size_t len,
                                       wick_event *event, wick_event_error *error);

#ifdef __cplusplus
}
#endif

#endif
