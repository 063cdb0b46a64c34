/*
 * Resume and takeover: one client, one server with a log of limited length, a network that cuts connections at any moment
 * and loses what is in flight, and a server that restarts. Checked by SPIN over every interleaving (tests/check/model.sh).
 *
 * What it covers of the protocol (docs/protocol.md):
 *   session.open with session, resume_token, epoch and last_seq; session.opened with recovered; session.reset with a
 *   snapshot; the log's window; the client's check of seq; takeover of an older connection (4409); the presented token
 *   and the new one both good until one of them is used.
 *
 * What is proved, within the bounds below:
 *   - an event reaches the client's text exactly once and in order: no token lost, none twice;
 *   - the true client is never refused: a token that it holds is always good, unless the server has restarted;
 *   - no deadlock: when nothing can move any more, the client has everything that the server has.
 *
 * Left out: rooms, other transports, messages from the client to the agent, time.
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
#define NONE 2

mtype = { OPEN, OPENED, RESET, EVENT };

/* Two slots for connections: the client's, and one that the server may still believe in. */
chan up[2] = [1] of { mtype, byte, byte, byte };   /* OPEN: token, epoch, last_seq */
chan down[2] = [2] of { mtype, byte, byte, byte }; /* OPENED: token, epoch, head. RESET: 0, epoch, head. EVENT: 0, epoch, seq */
bool alive[2];

/* The server. A snapshot is told by its length: the texts of all events up to the head. */
byte epoch = 1, head, oldest = 1, produced;
byte reader = NONE, cursor;
byte token_new, token_shown, tokens;
bool known; /* the session exists */

/* The client. */
byte mine = NONE;
byte c_epoch, c_last, c_token;
bool opened;

byte cuts, restarts;

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

active proctype Server() {
    byte token, ep, last;
    byte k;
    do
    /* A message from either connection. */
    :: atomic { alive[0] && nempty(up[0]) && empty(down[0]) -> k = 0; up[k] ? OPEN, token, ep, last;
                answer_open(k, token, ep, last) }
    :: atomic { alive[1] && nempty(up[1]) && empty(down[1]) -> k = 1; up[k] ? OPEN, token, ep, last;
                answer_open(k, token, ep, last) }
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
    /* The connection's end is noticed, sooner or later. */
    :: atomic { reader != NONE && !alive[reader] -> reader = NONE }
    /* A restart: everything is forgotten, and the next life has another epoch. */
    :: atomic { restarts < RESTARTS && known -> restarts++;
                if :: alive[0] -> end_connection(0) :: else fi;
                if :: alive[1] -> end_connection(1) :: else fi;
                epoch++; head = 0; oldest = 1; produced = 0; reader = NONE; known = false }
    :: timeout ->
        assert(opened && c_epoch == epoch && c_last == head && produced == EVENTS);
        break
    od
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
                :: down[mine] ? RESET, token, ep, seq ->
                    /* The snapshot replaces what was known: nothing is counted twice. */
                    assert(opened);
                    c_epoch = ep;
                    c_last = seq
                :: down[mine] ? EVENT, token, ep, seq ->
                    assert(opened && ep == c_epoch);
                    assert(seq == c_last + 1); /* neither a gap nor a duplicate */
                    c_last = seq
                fi }
    :: timeout -> break
    od
}

active proctype Network() {
    do
    :: atomic { cuts < CUTS && alive[0] -> cuts++; end_connection(0) }
    :: atomic { cuts < CUTS && alive[1] -> cuts++; end_connection(1) }
    :: timeout -> break
    od
}
