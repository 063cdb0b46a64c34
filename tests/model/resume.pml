/*
 * Resume, takeover and the way to HTTP and back: one client, one server with a log of limited length, a network that cuts
 * connections at any moment and loses what is in flight, and a server that restarts. Checked by SPIN over every interleaving
 * (tests/check/model.sh).
 *
 * What it covers of the protocol, in the words of docs/protocol.md (the check looks that they stand there):
 *   > `session_id`, `resume_token`, `epoch` and `last_seq` together go on with a session.
 *   > `resume_token` is new with each `session.opened`; it and the one that was shown are both good until one of them is shown.
 *   > A session that is not known, or not any more, is opened anew under the same id.
 *   > An older connection of the session is closed with 4409.
 *   > If `epoch` is the stream's and everything behind `last_seq` is still kept, `recovered` is true
 *   > All or nothing: else `recovered` is false, and `session.reset` follows if the client knew a cursor.
 *   > **session.reset** says how things stand instead of what happened.
 *   > `first_seq`, or `seq` where there is none, is one more than the last `seq`. Smaller is a duplicate
 *   > when the log has moved past it it gets `session.reset` with `slow_consumer` and goes on with what comes then.
 *   > A session has any number of such readers beside its WebSocket.
 *   > A pair that does not open a session is 403 `SESSION_FORBIDDEN`.
 *   > one that cannot be served gets `session.reset` as its first event.
 *
 * What is proved, within the bounds below:
 *   - an event reaches the client's text exactly once and in order: no token lost, none twice, whatever the transport, also
 *     while an HTTP reader and a WebSocket that was believed dead bring the same events;
 *   - the true client is never refused: the token that it holds is always good, unless the server has restarted;
 *   - no deadlock: when nothing can move any more, the client has everything that the server has.
 *
 * Left out: rooms, merging, messages from the client to the agent (once.pml), time.
 */
#ifndef EVENTS
#define EVENTS 4
#endif
#ifndef WINDOW
#define WINDOW 2 /* events that the log keeps */
#endif
#ifndef CUTS
#define CUTS 3
#endif
#ifndef RESTARTS
#define RESTARTS 1
#endif
#ifndef HOPS
#define HOPS 0 /* times that the client asks over HTTP */
#endif
#define NONE 2
#define HTTP 2 /* the slot of an HTTP reader */

mtype = { OPEN, OPENED, RESET, EVENT };

/* Two slots for WebSockets: the client's, and one that the server may still believe in. And one for an HTTP reader. */
chan up[3] = [1] of { mtype, byte, byte, byte };   /* OPEN: token, epoch, last_seq; over HTTP that is the request */
chan down[3] = [2] of { mtype, byte, byte, byte }; /* OPENED: token, epoch, head. RESET: 0, epoch, head. EVENT: 0, epoch, seq */
bool alive[3];

/* The server. A snapshot is told by its length: the texts of all events up to the head. */
byte epoch = 1, head, oldest = 1, produced;
byte reader = NONE, cursor;
bool viewing; /* an HTTP reader is there */
byte view_cursor;
byte token_new, token_shown, tokens;
bool known; /* the session exists */

/* The client. */
byte mine = NONE;
byte c_epoch, c_last, c_token;
bool opened;

byte cuts, restarts, hops;

inline drain(c) {
    do
    :: nempty(c) -> c ? _, _, _, _
    :: empty(c) -> break
    od
}

inline end_connection(k) {
    alive[k] = false;
    drain(up[k]);
    drain(down[k]);
}

/* The server's answer to session.open on connection k: opened, then either the missed events or a snapshot. */
inline answer_open(k, token, ep, last) {
    assert(!known || token == 0 || token == token_new || token == token_shown);
    if
    :: reader != NONE && reader != k -> end_connection(reader) /* 4409 */
    :: else
    fi;
    token_shown = token;
    tokens++;
    token_new = tokens;
    reader = k;
    if
    :: known && ep == epoch && last + 1 >= oldest && last <= head ->
        cursor = last;
        down[k] ! OPENED, token_new, epoch, head
    :: else ->
        cursor = head;
        down[k] ! OPENED, token_new, epoch, head;
        down[k] ! RESET, 0, epoch, head
    fi;
    known = true
}

/* The server's answer to GET with a cursor: it takes nothing over, and uses no token up. */
inline answer_view(token, ep, last) {
    if
    :: !known || (token != token_new && token != token_shown) ->
        assert(!known || token != c_token); /* 403: after a restart, or it has a newer token while this one was on its way */
        end_connection(HTTP)
    :: else ->
        viewing = true;
        if
        :: ep == epoch && last + 1 >= oldest && last <= head -> view_cursor = last
        :: else -> view_cursor = head; down[HTTP] ! RESET, 0, epoch, head
        fi
    fi
}

active proctype Server() {
    byte token, ep, last;
    byte k;
    do
    /* A message from either connection. */
    :: atomic { alive[0] && nempty(up[0]) && empty(down[0]) -> k = 0; up[k] ? OPEN, token, ep, last;
                answer_open(k, token, ep, last) }
    :: atomic { alive[1] && nempty(up[1]) && empty(down[1]) -> k = 1; up[k] ? OPEN, token, ep, last;
                answer_open(k, token, ep, last) }
    :: atomic { alive[HTTP] && nempty(up[HTTP]) -> up[HTTP] ? OPEN, token, ep, last;
                answer_view(token, ep, last) }
    /* The agent says something, whether anybody reads or not. */
    :: atomic { known && produced < EVENTS -> produced++; head++;
                if
                :: head - oldest + 1 > WINDOW -> oldest++
                :: else
                fi }
    /* The reader takes the next event, or has been overtaken by the log. */
    :: atomic { reader != NONE && alive[reader] && cursor < head && nfull(down[reader]) ->
                if
                :: cursor + 1 >= oldest -> cursor++; down[reader] ! EVENT, 0, epoch, cursor
                :: else -> cursor = head; down[reader] ! RESET, 0, epoch, head
                fi }
    :: atomic { viewing && alive[HTTP] && view_cursor < head && nfull(down[HTTP]) ->
                if
                :: view_cursor + 1 >= oldest -> view_cursor++; down[HTTP] ! EVENT, 0, epoch, view_cursor
                :: else -> view_cursor = head; down[HTTP] ! RESET, 0, epoch, head
                fi }
    /* The connection's end is noticed, sooner or later. */
    :: atomic { viewing && !alive[HTTP] -> viewing = false }
    :: atomic { reader != NONE && !alive[reader] -> reader = NONE }
    /* A restart: everything is forgotten, and the next life has another epoch. */
    :: atomic { restarts < RESTARTS && known -> restarts++;
                if :: alive[0] -> end_connection(0) :: else fi;
                if :: alive[1] -> end_connection(1) :: else fi;
                if :: alive[HTTP] -> end_connection(HTTP) :: else fi;
                viewing = false;
                epoch++; head = 0; oldest = 1; produced = 0; reader = NONE; known = false }
    :: timeout ->
        assert(opened && c_epoch == epoch && c_last == head && produced == EVENTS);
        break
    od
}

/* What comes with a cursor, from wherever: the next event is taken, what is known already is dropped. */
inline take_reset(ep, seq) {
    if
    :: ep == c_epoch && seq <= c_last /* it knows all that, over its other connection */
    :: else -> c_epoch = ep; c_last = seq /* the snapshot replaces what was known: nothing is counted twice */
    fi
}

inline take_event(ep, seq) {
    assert(ep == c_epoch);
    assert(seq <= c_last + 1); /* no gap */
    if
    :: seq <= c_last /* a duplicate */
    :: else -> assert(seq == c_last + 1); c_last = seq
    fi
}

active proctype Client() {
    byte token, ep, seq;
    do
    /* Connect in the other slot: the server may not have noticed the end of the last one. */
    :: atomic { mine == NONE || !alive[mine] ->
                if
                :: mine == NONE -> mine = 0
                :: else -> mine = 1 - mine
                fi;
                end_connection(mine);
                if
                :: reader == mine -> reader = NONE
                :: else
                fi;
                alive[mine] = true;
                opened = false;
                up[mine] ! OPEN, c_token, c_epoch, c_last }
    :: atomic { mine != NONE && alive[mine] && nempty(down[mine]) ->
                if
                :: down[mine] ? OPENED, token, ep, seq -> opened = true; c_token = token
                :: down[mine] ? RESET, token, ep, seq -> assert(opened); take_reset(ep, seq)
                :: down[mine] ? EVENT, token, ep, seq -> assert(opened); take_event(ep, seq)
                fi }
    /* It tries HTTP, while its WebSocket may live or not; and hears what comes over that. */
    :: atomic { hops < HOPS && c_token != 0 && !alive[HTTP] && !viewing ->
                hops++;
                end_connection(HTTP);
                alive[HTTP] = true;
                up[HTTP] ! OPEN, c_token, c_epoch, c_last }
    :: atomic { alive[HTTP] && nempty(down[HTTP]) ->
                if
                :: down[HTTP] ? RESET, token, ep, seq -> take_reset(ep, seq)
                :: down[HTTP] ? EVENT, token, ep, seq -> take_event(ep, seq)
                fi }
    :: timeout -> break
    od
}

active proctype Network() {
    do
    :: atomic { cuts < CUTS && alive[0] -> cuts++; end_connection(0) }
    :: atomic { cuts < CUTS && alive[1] -> cuts++; end_connection(1) }
    :: atomic { cuts < CUTS && alive[HTTP] -> cuts++; end_connection(HTTP) }
    :: timeout -> break
    od
}
