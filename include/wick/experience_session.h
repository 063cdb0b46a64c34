/*
 * wick/experience_session.h - sessions without a connection: what a host does for clients that come by HTTP, and for
 * missions. Comes with wick/experience.h, which is the manual.
 *
 *     wick_session_config config = { .size = sizeof config, .mission_id = WICK_TEXT("m1") };
 *     status = wick_experience_create(experience, &config, &session, now_ms);
 *     status = wick_experience_invoke(experience, session, &invocation, id, &id_len, &code, now_ms);
 *     wick_experience_end(experience, session, 1000, "", now_ms);
 */
#ifndef WICK_EXPERIENCE_SESSION_H
#define WICK_EXPERIENCE_SESSION_H

#include "wick/experience.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Sessions without a connection: HTTP, missions ---------------------------------------------------------- */

/** What a session is to be that the host creates. NULL instead of it is all defaults. */
typedef struct wick_session_config {
    /** sizeof(wick_session_config) */
    size_t size;
    /** The id, plain, 1 to 128 bytes; absent is a random one. */
    wick_text id;
    /** Whose it is, plain. */
    wick_text principal;
    /**
     * Every event of the session gets this `mission_id`: at most 64 bytes, an integer (WICK_TEXT_JSON) or plain text.
     */
    wick_text mission_id;
} wick_session_config;

/**
 * Create a session that has no link yet: for a POST, or a mission. It expires like one whose last link has just gone.
 *
 * Returns WICK_OK; WICK_E_CONFIG; WICK_E_STATE if the id is taken; WICK_E_SPACE if there are too many; WICK_E_RANDOM.
 */
WICK_API wick_status wick_experience_create(wick_experience *experience, const wick_session_config *config,
                                            wick_session *session, uint64_t now_ms);

/**
 * Find a session, and check that a client may enter it: how HTTP requests with `session_id` and `resume_token` get in.
 *
 * id, token   as in the request, plain
 * principal   who the request says that the client is; absent is nobody in particular
 * session     set to the session; 0 if it may not be entered
 *
 * Both of a session's tokens are good here, and none is used up by it.
 *
 * Returns WICK_CODE_NONE; SESSION_FORBIDDEN, also for a session that is not known: a stranger learns nothing.
 */
WICK_API wick_code wick_experience_enter(const wick_experience *experience, const wick_text *id, const wick_text *token,
                                         const wick_text *principal, wick_session *session);

/** Find a session by its id. Returns it whoever asks, 0 if there is none: for sessions that the host has created. */
WICK_API wick_session wick_experience_find(const wick_experience *experience, const wick_text *id);

/** How a session stands. */
typedef struct wick_session_info {
    /** The session's; good until the session goes. */
    wick_str id;
    wick_str principal;
    /** A token that is good: the newest. */
    char resume_token[WICK_TOKEN_SIZE + 1];
    uint64_t epoch;
    uint64_t head_seq;
    uint64_t oldest_seq;
    uint32_t links;
    uint32_t invocations;
    /** Questions that are open. */
    uint32_t questions;
} wick_session_info;

/** Tell how a session stands. Returns WICK_OK, or WICK_E_STATE if it is gone. */
WICK_API wick_status wick_experience_info(const wick_experience *experience, wick_session session,
                                          wick_session_info *info);

/**
 * Write the open questions of a session as a JSON array of agent.input_request payloads, each with the invocation_id
 * and agent_id of the run that has asked.
 *
 * Returns WICK_OK; WICK_E_STATE if the session is gone; WICK_E_SPACE with *len set to what is needed.
 */
WICK_API wick_status wick_experience_inputs(const wick_experience *experience, wick_session session, void *out,
                                            size_t cap, size_t *len);

/**
 * Handle a message of a client that came by POST: everything but session.open, session.update and ping. `ack` does
 * nothing. room.joined and room.left go to the session's readers; what accepts a room.join tells the same in `result`.
 *
 * on_reply   called exactly once, before this returns, with WICK_TYPE_ACCEPTED or WICK_TYPE_ERROR: unless WICK_BLOCKED
 * or
 *            WICK_E_STATE is returned. head.re is the message's id, absent if it had none. An agent.message is accepted
 *            with as.accepted.invocation_id, whose text is gone when on_reply returns
 *
 * Returns like wick_experience_receive().
 */
WICK_API wick_status wick_experience_post(wick_experience *experience, wick_session session, const void *data,
                                          size_t len, void (*on_reply)(void *user, const wick_event *reply),
                                          void *reply_user, uint64_t now_ms);

/**
 * Run an agent in a session, by its id: what a mission does.
 *
 * invocation   agent_id and input are required, invocation_id is minted if absent, session_id is filled in
 * id           receives the invocation's id, WICK_LIMIT_ID bytes; may be NULL
 * id_len       set to its bytes; may be NULL
 * code         set to what is wrong; WICK_CODE_NONE if nothing is
 *
 * Returns WICK_OK; WICK_BLOCKED; WICK_E_STATE if the session is gone; or an error, with the code.
 */
WICK_API wick_status wick_experience_invoke(wick_experience *experience, wick_session session,
                                            const wick_invocation *invocation, char *id, size_t *id_len,
                                            wick_code *code, uint64_t now_ms);

/** Whether a run of a session has begun and not ended. Returns 1 or 0. */
WICK_API int wick_experience_running(const wick_experience *experience, wick_session session,
                                     const wick_text *invocation_id);

/** Cancel every run of a session. */
WICK_API void wick_experience_cancel(wick_experience *experience, wick_session session, const char *reason,
                                     uint64_t now_ms);

/**
 * Append an event of the host's own to a session: mission.status, workflow.progress, coordinator.metrics, agent.status,
 * or one of the application's types.
 *
 * event   `ts`, `session_id` and `mission_id` are filled in where they are absent
 *
 * Returns like wick_experience_event(); WICK_E_STATE if the session is gone. A quiet session's reader that takes
 * nothing now: WICK_BLOCKED.
 */
WICK_API wick_status wick_experience_publish(wick_experience *experience, wick_session session, const wick_event *event,
                                             uint64_t now_ms);

/** End a session: close its links with a code and a reason, cancel its runs, drop its log. */
WICK_API void wick_experience_end(wick_experience *experience, wick_session session, unsigned close_code,
                                  const char *reason, uint64_t now_ms);

/**
 * Begin to end: tell every open full link `session.closing`, and answer session.open and agent.message with DRAINING
 * from now on. The host then ends the runs (wick_runtime_drain()), and closes the connections with 1001.
 *
 * retry_after_ms   when clients may come again; 0 is not said
 */
WICK_API void wick_experience_drain(wick_experience *experience, uint32_t retry_after_ms, uint64_t now_ms);

#ifdef __cplusplus
}
#endif

#endif
