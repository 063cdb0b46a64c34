/*
 * wick.h - all of wick. Give it bytes, it gives you events; give it events, it gives you bytes; nothing else happens.
 *
 * The conventions that hold everywhere stand at the top of wick/base.h. Each header is the manual of its part:
 *
 *   wick/base.h        slices, statuses, UTF-8, masking kernels, SHA-1, base64
 *   wick/frame.h       the frame codec as pure functions
 *   wick/conn.h        a connection: receive, send, close, heartbeat
 *   wick/http.h        request and response heads, fields, bodies; with http_request.h (URLs, origins, routes) and
 *                      http_answer.h (responses, problems, events)
 *   wick/sse.h         a reader of server-sent events
 *   wick/diagnose.h    what a proxy did to a request, which one, and what to change in it
 *   wick/forwarded.h   clients behind proxies: addresses, Forwarded and X-Forwarded-*, PROXY protocol
 *   wick/handshake.h   the opening handshake, server and client
 *   wick/json.h        JSON: a strict reader in place, and a writer
 *   wick/event.h       the typed messages of agent-events v1
 *   wick/mission.h     the same events in flat words for mission front ends
 *   wick/stream.h      the stream log of a session: resume, merging, snapshots; with stream_reader.h
 *   wick/client.h      the client's side of a session: backoff, resume, fallback
 *   wick/experience.h  sessions of users, the choice of the agent, the way of events to readers; with
 *                      experience_config.h (rules, limits, callbacks) and experience_session.h (HTTP, missions)
 *   wick/runtime.h     runs of agents, which know no users
 */
#ifndef WICK_H
#define WICK_H

#include "wick/base.h"
#include "wick/client.h"
#include "wick/conn.h"
#include "wick/diagnose.h"
#include "wick/event.h"
#include "wick/experience.h"
#include "wick/forwarded.h"
#include "wick/frame.h"
#include "wick/handshake.h"
#include "wick/http.h"
#include "wick/json.h"
#include "wick/mission.h"
#include "wick/runtime.h"
#include "wick/sse.h"
#include "wick/stream.h"

#endif
