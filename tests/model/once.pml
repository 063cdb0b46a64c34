/*
 * What a client says happens once: messages with an id that are sent again after a lost connection, and answers to a question
 * that race with one another and with its deadline. Two connections at once, of whatever transport; the network cuts them at
 * any moment and loses what is in flight; the server may refuse. Checked by SPIN over every interleaving
 * (tests/check/model.sh).
 *
 * What it covers of the protocol, in the words of docs/protocol.md (the check looks that they stand there):
 *   > the same `id` again does nothing and gets `"duplicate":true` with the first `invocation_id`.
 *   > if the answer is lost it is posted again, and runs once.
 *   > The first valid answer counts: the same again does nothing, another is `INPUT_ALREADY_RESOLVED`, a late one `INPUT_EXPIRED`
 *
 * What is proved, within the bounds below:
 *   - when nothing can move any more, each message has been accepted and has started one run, and whoever was told of it, on
 *     whatever connection, was told of the same run; one that was refused was not used up by that;
 *   - the agent gets one answer, the first one or the deadline's, and each of those who answered learns the truth about it.
 *
 * Left out: restarts (the epoch tells: resume.pml), ids that are so old that the server has forgotten them.
 */
#ifndef CUTS
#define CUTS 2
#endif
#ifndef REFUSALS
#define REFUSALS 1
#endif
#define MESSAGES 2
#define TIMEOUT 3 /* answers are 1 and 2 */

mtype = { MESSAGE, ANSWER, ACCEPTED, REFUSED, CONFLICT, EXPIRED };

chan up[2] = [1] of { mtype, byte };         /* MESSAGE: id. ANSWER: which */
chan down[2] = [1] of { mtype, byte, byte }; /* the same, and for ACCEPTED of a message its run */
bool alive[2];

/* The server. */
byte runs, run_of[MESSAGES + 1], started[MESSAGES + 1];
byte settled, agent_got;
byte refusals;

/* The client. */
byte known_run[MESSAGES + 1];
mtype told[3];

byte cuts;

inline end_connection(k) {
    alive[k] = false;
    do
    :: nempty(up[k]) -> up[k] ? _, _
    :: nempty(down[k]) -> down[k] ? _, _, _
    :: empty(up[k]) && empty(down[k]) -> break
    od
}

inline handle_message(k, id) {
    if
    :: run_of[id] != 0 -> down[k] ! ACCEPTED, id, run_of[id] /* duplicate */
    :: run_of[id] == 0 && refusals < REFUSALS -> refusals++; down[k] ! REFUSED, id, 0
    :: run_of[id] == 0 ->
        runs++;
        started[id]++;
        run_of[id] = runs;
        down[k] ! ACCEPTED, id, runs
    fi
}

inline handle_answer(k, which) {
    if
    :: settled == 0 -> settled = which; agent_got++; down[k] ! ACCEPTED, which + 10, 0
    :: settled == which -> down[k] ! ACCEPTED, which + 10, 0
    :: settled == TIMEOUT -> down[k] ! EXPIRED, which + 10, 0
    :: settled == 3 - which -> down[k] ! CONFLICT, which + 10, 0
    fi
}

active proctype Server() {
    mtype what;
    byte n, k;
    do
    :: atomic { alive[0] && nempty(up[0]) && empty(down[0]) -> k = 0; up[0] ? what, n;
                if :: what == MESSAGE -> handle_message(k, n) :: else -> handle_answer(k, n) fi }
    :: atomic { alive[1] && nempty(up[1]) && empty(down[1]) -> k = 1; up[1] ? what, n;
                if :: what == MESSAGE -> handle_message(k, n) :: else -> handle_answer(k, n) fi }
    :: atomic { settled == 0 -> settled = TIMEOUT; agent_got++ } /* the deadline comes, sooner or later */
    :: timeout ->
        assert(started[1] == 1 && started[2] == 1 && known_run[1] == run_of[1] && known_run[2] == run_of[2]);
        assert(agent_got == 1 && told[1] != 0 && told[2] != 0);
        break
    od
}

/* Says on connection k whatever has no answer yet, in any order: also what is on its way on the other one. */
inline speak(k) {
    if
    :: known_run[1] == 0 -> up[k] ! MESSAGE, 1
    :: known_run[2] == 0 -> up[k] ! MESSAGE, 2
    :: told[1] == 0 -> up[k] ! ANSWER, 1
    :: told[2] == 0 -> up[k] ! ANSWER, 2
    fi
}

inline hear(k) {
    down[k] ? what, n, number;
    if
    :: n > 10 ->
        n = n - 10;
        assert(what != ACCEPTED || settled == n);
        assert(what != EXPIRED || settled == TIMEOUT);
        assert(what != CONFLICT || settled == 3 - n);
        assert(told[n] == 0 || told[n] == what); /* nobody is told first this, then that */
        told[n] = what
    :: n < 10 && what == ACCEPTED ->
        assert(known_run[n] == 0 || known_run[n] == number);
        known_run[n] = number
    :: else /* refused: it may be said again */
    fi
}

#define UNANSWERED (known_run[1] == 0 || known_run[2] == 0 || told[1] == 0 || told[2] == 0)

active proctype Client() {
    mtype what;
    byte n, number;
    do
    :: atomic { !alive[0] && UNANSWERED -> end_connection(0); alive[0] = true }
    :: atomic { !alive[1] && UNANSWERED -> end_connection(1); alive[1] = true }
    :: atomic { alive[0] && empty(up[0]) && UNANSWERED -> speak(0) }
    :: atomic { alive[1] && empty(up[1]) && UNANSWERED -> speak(1) }
    :: atomic { alive[0] && nempty(down[0]) -> hear(0) }
    :: atomic { alive[1] && nempty(down[1]) -> hear(1) }
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
