/*
 * The model of the stream log, and the driver of scripts. See stream.h.
 *
 * The model keeps every event as three strings, what stands before the text, the text, and what stands behind it, and
 * a key that is equal for events that may merge. It takes from the library only which events are still kept, and only
 * where the pool is too small to know (exact == 0); there it checks what it is given instead of predicting it.
 */
#include "oracle/stream.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/stream.h"

oracle_stream_count oracle_stream_counted;

#define STREAMS 2
#define READERS 4
#define RUNS 4
#define RUNS_MAX 200
#define EVENTS_MAX 6000
#define BUFFER (1u << 22)
#define POOL_MAX (3000u * 4096u + (1u << 17))

typedef struct model_event {
    char *front, *text, *tail; /* one behind the other they are the body */
    char key[160];             /* "" for a barrier */
    const char *name;          /* of the type */
    int joins, done, prompt;
    uint64_t time;
} model_event;

typedef struct model_run {
    char *text[3];  /* of messages m0, m1, m2; NULL if there is none yet */
    int order[3], messages, done[3], asking, status, ended;
    char *usage;
    uint64_t begun, end;
} model_run;

typedef struct model {
    wick_stream stream;
    model_event event[EVENTS_MAX + 1]; /* [seq] */
    uint64_t head, oldest;
    model_run run[RUNS_MAX]; /* run i has the id r<i>; the last RUNS of them are used */
    unsigned runs;
} model;

typedef struct model_reader {
    wick_reader reader;
    int attached, of, slow;
    uint64_t sent, looked, pending, held_end;
    uint32_t coalesce;
    unsigned want; /* 0 all, else an index of wants */
    wick_want compiled;
    int have;
    wick_delivery old;
} model_reader;

typedef struct world {
    const uint8_t *p, *end;
    wick_pool pool;
    wick_pool_config pool_config;
    wick_stream_config config;
    void *memory;
    int exact;
    uint64_t now;
    model *m[STREAMS];
    model_reader r[READERS];
    char *out, *want, *input; /* BUFFER bytes each */
} world;

static char complaint[512];

#define N(x) ((unsigned long long)(x))

static const char *complain(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(complaint, sizeof complaint, format, args);
    va_end(args);
    return complaint;
}

static unsigned take_byte(world *w)
{
    return w->p < w->end ? *w->p++ : 0;
}

static char *copy_text(const char *text)
{
    size_t len = strlen(text) + 1;
    char *copy = malloc(len);
    if (!copy)
        abort();
    memcpy(copy, text, len);
    return copy;
}

/* ---- Events ---------------------------------------------------------------------------------------------- */

static const char *const texts[] = {"a", "Hello", " ", "\xC3\xA9", "\\n", "\\u0041", "\\ud83d\\ude00", "\xF0\x9F\x98\x80",
                                    "\\\"", "\\\\", "\xE2\x82\xAC uro", "0123456789012345678901234567890123456789"};

/* A text from a script: short ones from the list, or a long one. */
static void make_text(world *w, char *out)
{
    unsigned pick = take_byte(w), n = 1, i;
    const char *piece = texts[pick % (sizeof texts / sizeof *texts)];
    if (pick >= 240)
        n = 1 + take_byte(w);
    else if (pick >= 200)
        n = 1 + take_byte(w) / 8;
    out[0] = 0;
    for (i = 0; i < n; i++)
        strcat(out, piece);
}

/* A run that goes on, the last RUNS of them in turn; or a new one. */
static unsigned pick_run(model *m, unsigned byte)
{
    unsigned run = m->runs > RUNS ? m->runs - 1 - byte % RUNS : byte % (m->runs ? m->runs : 1);
    if (m->run[run].ended && m->runs < RUNS_MAX)
        run = m->runs++;
    return run;
}

/* What the parts of an event are made of. */
struct making {
    world *w;
    model_event *e;
    unsigned kind, run, message;
    const char *extra, *text;
    char head[400], ts[40];
};

#define KEY(format, ...) \
    snprintf(m->e->key, sizeof m->e->key, "%u/%d/r%u/%s/" format, m->kind < 8 ? 0 : m->kind, m->ts[0] != 0, m->run, m->extra, \
             __VA_ARGS__)
#define PARTS(type, before, middle, after)                                                                            \
    (m->e->name = (type), snprintf(m->w->input, BUFFER, "\"type\":\"%s\"%s" before, m->e->name, m->head, m->message), \
     m->e->front = copy_text(m->w->input), m->e->text = copy_text(middle), m->e->tail = copy_text(after))

static int make_token(struct making *m, unsigned byte, unsigned who)
{
    char quoted[70] = "\"}}";
    m->e->joins = 1;
    m->e->done = (who & 3) == 3 && byte >= 128;
    if (m->e->done)
        strcpy(quoted, "\",\"done\":true}}");
    else if (byte >= 192)
        strcpy(quoted, "\",\"done\":false}}");
    KEY("m%u/%d", m->message, byte >= 192 && !m->e->done);
    PARTS("agent.token", "\"message_id\":\"m%u\",\"text\":\"", m->text, quoted);
    return (int)m->run;
}

/* Everything but tokens. */
static int make_other(struct making *m)
{
    switch (m->kind) {
    case 8:
        m->e->joins = 1;
        KEY("t%u", m->message);
        PARTS("agent.thought", "\"message_id\":\"t%u\",\"text\":\"", m->text, "\"}}");
        return -1;
    case 9:
        m->e->joins = 1;
        KEY("c%u", m->message);
        PARTS("agent.action", "\"call_id\":\"c%u\",\"phase\":\"args\",\"args_delta\":\"", m->text, "\"}}");
        return -1;
    case 10:
        KEY("%d", 0);
        PARTS("agent.usage", "\"output_tokens\":%u", "", "}}");
        return (int)m->run;
    case 11:
        KEY("s%u", m->message);
        PARTS("agent.progress", "\"progress\":0.5,\"step\":\"s%u\"", "", "}}");
        return -1;
    case 12:
        PARTS(m->message ? "agent.action" : "agent.log",
              "\"call_id\":\"c%u\",\"phase\":\"end\",\"level\":\"info\",\"message\":\"", m->text, "\"}}");
        return -1;
    case 13:
        PARTS(m->message ? "x.chart.point" : "x.other", "\"v\":%u,\"w\":\"", m->text, "\"}}");
        return -1;
    case 14:
        if (m->message == 0)
            PARTS("agent.input_request", "\"request_id\":\"q%u\",\"timeout_ms\":1,\"expires_at\":1,\"question\":\"", m->text,
                  "\"}}");
        else
            PARTS("agent.input_resolved", "\"request_id\":\"q%u\",\"outcome\":\"", "timeout", "\"}}");
        return (int)m->run;
    default:
        if (m->message == 0)
            PARTS("agent.completed", "\"finish_reason\":\"m%u", "x", "\",\"usage\":{\"output_tokens\":7}}}");
        else if (m->message == 1)
            PARTS("agent.failed", "\"error\":{\"code\":\"CANCELLED\",\"message\":\"m%u", m->text, "\",\"retryable\":false}}}");
        else
            PARTS("agent.started", "\"attempt\":%u", "", "}}");
        return (int)m->run;
    }
}

/* Make the event that a byte stands for: the message in w->input, and its parts in *e. Returns the run or -1. */
static int make_event(world *w, model *m, model_event *e, unsigned byte)
{
    static const char *const wide[] = {"", ",\"meta\":{\"ts\":1}", ",\"meta\":{\"ts\":2}"};
    char text[16384];
    unsigned who = take_byte(w);
    struct making making = {.w = w, .e = e, .kind = byte % 16, .message = who / 4 % 3, .extra = wide[(who >> 5) % 4 % 3],
                            .text = text};
    if (m->runs == 0)
        m->runs = 1;
    making.run = pick_run(m, who);
    memset(e, 0, sizeof *e);
    e->time = w->now;
    if (who < 200)
        snprintf(making.ts, sizeof making.ts, ",\"ts\":%llu", 1795212345678ull + w->now);
    make_text(w, text);
    snprintf(making.head, sizeof making.head, "%s,\"invocation_id\":\"r%u\",\"agent_id\":\"guide.content\"%s,\"payload\":{",
             making.ts, making.run, making.extra);
    return making.kind < 8 ? make_token(&making, byte, who) : make_other(&making);
}

/* ---- Runs, for the snapshot ------------------------------------------------------------------------------ */

static void add_text(char **to, const char *text)
{
    size_t old = *to ? strlen(*to) : 0, len = strlen(text);
    char *more = realloc(*to, old + len + 1);
    if (!more)
        abort();
    memcpy(more + old, text, len + 1);
    *to = more;
}

static void note_run(model *m, int index, const model_event *e, const char *message)
{
    model_run *run = &m->run[index];
    if (run->ended)
        return;
    if (!run->begun)
        run->begun = m->head;
    if (strcmp(e->name, "agent.token") == 0) {
        int id = strstr(e->front, "\"m0\"") ? 0 : strstr(e->front, "\"m1\"") ? 1 : 2;
        if (!run->text[id])
            run->order[run->messages++] = id;
        add_text(&run->text[id], e->text);
        run->done[id] = e->done;
    } else if (strcmp(e->name, "agent.usage") == 0) {
        const char *payload = strstr(message, "\"payload\":") + 10;
        free(run->usage);
        run->usage = copy_text(payload);
        run->usage[strlen(payload) - 1] = 0;
    } else if (strcmp(e->name, "agent.input_request") == 0) {
        run->asking++;
    } else if (strcmp(e->name, "agent.input_resolved") == 0) {
        run->asking -= run->asking > 0;
    } else if (strcmp(e->name, "agent.completed") == 0 || strcmp(e->name, "agent.failed") == 0) {
        run->ended = e->name[6] == 'c' ? 1 : 2;
        run->end = m->head;
        if (run->ended == 1) {
            free(run->usage);
            run->usage = copy_text("{\"output_tokens\":7}");
        }
    }
}

static size_t shot_one(const model_run *run, int index, char *out, size_t cap)
{
    static const char *const ended[] = {"", "completed", "cancelled"};
    size_t len = (size_t)snprintf(out, cap, "{\"invocation_id\":\"r%d\",\"agent_id\":\"guide.content\","
                                  "\"status\":\"%s\",\"messages\":[", index,
                                  run->ended ? ended[run->ended] : run->asking ? "waiting_input" : "running");
    for (int i = 0; i < run->messages; i++)
        len += (size_t)snprintf(out + len, cap - len, "%s{\"message_id\":\"m%d\",\"role\":\"assistant\",\"text\":\"%s\","
                                "\"done\":%s}", i ? "," : "", run->order[i], run->text[run->order[i]],
                                run->ended || run->done[run->order[i]] ? "true" : "false");
    return len + (size_t)snprintf(out + len, cap - len, "]%s%s}", run->usage ? ",\"usage\":" : "", run->usage ? run->usage : "");
}

/* The snapshot as it must be where nothing was dropped for want of memory. */
static size_t model_snapshot(const world *w, const model *m, char *out, size_t cap)
{
    size_t len = (size_t)snprintf(out, cap, "{\"invocations\":[");
    int first = 1;
    for (int live = 0; live < 2; live++)
        for (uint64_t seq = 1; seq <= m->head; seq++)
            for (int i = 0; i < RUNS_MAX; i++) {
                const model_run *run = &m->run[i];
                unsigned later = 0;
                if (run->begun != seq || (run->ended ? 0 : 1) != live)
                    continue;
                for (int j = 0; j < RUNS_MAX; j++)
                    later += m->run[j].ended && m->run[j].end > run->end;
                if (!live && later >= w->config.ended_runs)
                    continue;
                len += (size_t)snprintf(out + len, cap - len, "%s", first ? "" : ",");
                len += shot_one(run, i, out + len, cap - len);
                first = 0;
            }
    return len + (size_t)snprintf(out + len, cap - len, "]}");
}

static const char *check_snapshot(world *w, model *m)
{
    static const wick_json_config deep = {.size = sizeof deep, .depth = 32};
    size_t need, len, want;
    unsigned truncated;
    oracle_stream_counted.snapshots++;
    if (wick_stream_snapshot(&m->stream, NULL, 0, &need) != WICK_E_SPACE)
        return complain("snapshot: no size");
    if (need > BUFFER)
        return NULL;
    if (wick_stream_snapshot(&m->stream, w->out, need, &len) != WICK_OK || len != need)
        return complain("snapshot: %zu, then %zu bytes", need, len);
    if (wick_json_check(&deep, w->out, len, NULL) != WICK_OK)
        return complain("snapshot: not JSON: %.300s", w->out);
    truncated = strstr(w->out, "\"truncated\":true") != NULL;
    oracle_stream_counted.truncated += truncated;
    if (!w->exact)
        return NULL;
    want = model_snapshot(w, m, w->want, BUFFER);
    if (want != len || memcmp(w->out, w->want, len) != 0)
        return complain("snapshot: %.*s\n  want %.200s", (int)(len < 200 ? len : 200), w->out, w->want);
    return NULL;
}

/* ---- Append ---------------------------------------------------------------------------------------------- */

static size_t body_length_of(const model_event *e)
{
    return strlen(e->front) + strlen(e->text) + strlen(e->tail);
}

static void model_limits(const world *w, model *m)
{
    uint64_t bytes = 0, seq = m->head + 1, kept = 0;
    while (seq > m->oldest) {
        bytes += body_length_of(&m->event[seq - 1]);
        if (kept && (kept == w->config.max_events || bytes > w->config.max_bytes))
            break;
        kept++;
        seq--;
    }
    m->oldest = seq;
}

/* Whether event `seq` is the first piece of something: the newest of its type and call is not of the same message. */
static int is_prompt(const model *m, const model_event *e)
{
    uint64_t seq;
    if (!e->key[0])
        return 1;
    for (seq = m->head; seq >= m->oldest && seq > 0; seq--) {
        const model_event *old = &m->event[seq];
        if (old->key[0] && strcmp(old->name, e->name) == 0)
            return old->done || strcmp(old->key, e->key) != 0;
    }
    return 1;
}

static wick_status append_to(world *w, model *m, size_t len, int typed, uint64_t *seq)
{
    wick_event event;
    wick_status status;
    if (!typed)
        return wick_stream_append_message(&m->stream, w->input, len, NULL, w->now, seq);
    status = wick_event_read(NULL, w->input, len, &event, NULL);
    if (status < 0)
        return status;
    if (typed == 1)
        return wick_stream_append_message(&m->stream, w->input, len, &event, w->now, seq);
    return wick_stream_append(&m->stream, &event, WICK_JSON_TRUSTED, w->now, seq);
}

static const char *do_append(world *w, unsigned byte)
{
    model *m = w->m[take_byte(w) % STREAMS];
    model_event e;
    uint64_t seq = 0, oldest[STREAMS];
    int run, typed;
    size_t len;
    wick_status status;
    if (m->head == EVENTS_MAX)
        return NULL;
    run = make_event(w, m, &e, byte);
    if (run >= 0 && m->run[run].ended) { /* no run is left */
        free(e.front), free(e.text), free(e.tail);
        return NULL;
    }
    e.prompt = is_prompt(m, &e);
    len = (size_t)snprintf(w->input, BUFFER, "{%s%s%s", e.front, e.text, e.tail);
    /* The library writes what it writes: only bodies in its own form come out the same. */
    typed = take_byte(w) % 2;
    if (byte % 16 < 12 && !(strstr(e.tail, "false")) && typed)
        typed = 2;
    for (int i = 0; i < STREAMS; i++)
        oldest[i] = wick_stream_oldest(&w->m[i]->stream);
    status = append_to(w, m, len, typed, &seq);
    if (status == WICK_E_STREAM_FULL && !w->exact) {
        oracle_stream_counted.full++;
        free(e.front), free(e.text), free(e.tail);
        if (wick_stream_head(&m->stream) != m->head)
            return complain("a failed append moved the head");
    } else if (status != WICK_OK) {
        complain("append: %s: %.300s", wick_status_name(status), w->input);
        free(e.front), free(e.text), free(e.tail);
        return complaint;
    } else {
        if (seq != ++m->head)
            return complain("append gave %llu, want %llu", N(seq), N(m->head));
        m->event[seq] = e;
        oracle_stream_counted.appended++;
        if (run >= 0)
            note_run(m, run, &e, w->input);
        model_limits(w, m);
    }
    for (int i = 0; i < STREAMS; i++) {
        model *other = w->m[i];
        uint64_t now = wick_stream_oldest(&other->stream);
        if (now < oldest[i] || now < other->oldest || now > other->head + 1)
            return complain("oldest went from %llu to %llu", N(oldest[i]), N(now));
        if (w->exact && now != other->oldest)
            return complain("oldest is %llu, want %llu", N(now), N(other->oldest));
        other->oldest = now;
    }
    return NULL;
}

/* ---- Readers --------------------------------------------------------------------------------------------- */

static const char *const wants[][3] = {{"*", NULL, NULL},
                                       {"agent.token", NULL, NULL},
                                       {"agent.t*", "x.chart.*", NULL},
                                       {"*.usage", "agent.action", "x.*r"}};

static int model_wants(const model_reader *r, const char *name)
{
    switch (r->want) {
    case 1:
        return strcmp(name, "agent.token") == 0;
    case 2:
        return strncmp(name, "agent.t", 7) == 0 || strncmp(name, "x.chart.", 8) == 0;
    case 3:
        return strcmp(name, "agent.usage") == 0 || strcmp(name, "agent.action") == 0 || strcmp(name, "x.other") == 0;
    default:
        return 1;
    }
}

/* The message that stands for the wanted events from first to last. Returns its length, or 0 if they do not merge. */
static size_t model_message(const world *w, const model_reader *r, uint64_t first, uint64_t last, char *out, size_t cap)
{
    const model *m = w->m[r->of];
    const model_event *e = &m->event[last];
    size_t len = last == r->sent + 1
        ? (size_t)snprintf(out, cap, "{\"seq\":%llu,", N(last))
        : (size_t)snprintf(out, cap, "{\"seq\":%llu,\"first_seq\":%llu,", N(last),
                           N(r->sent + 1));
    len += (size_t)snprintf(out + len, cap - len, "%s", e->front);
    for (uint64_t seq = first; seq <= last; seq++) {
        const model_event *piece = &m->event[seq];
        if (!model_wants(r, piece->name))
            continue;
        if (seq != last
            && (!e->key[0] || strcmp(piece->name, e->name) != 0 || strcmp(piece->key, e->key) != 0 || piece->done))
            return 0;
        if (e->joins || seq == last)
            len += (size_t)snprintf(out + len, cap - len, "%s", piece->text);
    }
    return len + (size_t)snprintf(out + len, cap - len, "%s", e->tail);
}

/* What is due for a reader: WICK_OK with *last, WICK_MORE with *deadline, or WICK_E_STREAM_LOST. */
static wick_status model_next(const world *w, model_reader *r, uint64_t *last, uint64_t *deadline)
{
    const model *m = w->m[r->of];
    uint64_t seq = r->pending ? r->pending : r->looked + 1, first = 0;
    size_t text = 0, limit = r->slow ? WICK_MERGE_HARD_BYTES : r->coalesce ? WICK_MERGE_BYTES : 0;
    uint64_t wait = r->slow ? WICK_COALESCE_MAX_MS : r->coalesce;
    int closed = 0;
    *deadline = WICK_NEVER;
    if (seq < m->oldest)
        return WICK_E_STREAM_LOST;
    for (; seq <= m->head && !closed; seq++) {
        const model_event *e = &m->event[seq];
        if (model_wants(r, e->name)) {
            const model_event *before = first ? &m->event[*last] : NULL;
            if (before && (strcmp(before->name, e->name) != 0 || strcmp(before->key, e->key) != 0)) {
                closed = 1;
                break;
            }
            if (!first)
                first = seq;
            *last = seq;
            text += e->joins ? strlen(e->text) : 0;
            closed = !e->key[0] || e->done || text >= limit;
        }
        r->looked = seq;
    }
    if (!first)
        return WICK_MORE;
    r->pending = first;
    if (closed || m->event[first].prompt || w->now - m->event[first].time >= wait)
        return WICK_OK;
    *deadline = m->event[first].time + wait;
    return WICK_MORE;
}

static const char *compare_message(world *w, model_reader *r, const wick_delivery *d)
{
    model *m = w->m[r->of];
    wick_slice slices[600];
    size_t len, want, count, at = 0;
    if (d->first_seq != r->sent + 1 || d->seq < r->pending || d->seq > m->head)
        return complain("range %llu to %llu", N(d->first_seq), N(d->seq));
    want = model_message(w, r, r->pending, d->seq, w->want, BUFFER);
    if (want == 0 || want >= BUFFER)
        return want ? NULL : complain("%llu to %llu do not merge", N(r->pending), N(d->seq));
    if (wick_delivery_copy(d, &m->stream, w->out, BUFFER, &len) != WICK_OK || len != d->len || len != want
        || memcmp(w->out, w->want, want) != 0)
        return complain("message %.*s\n  want %.200s", (int)(len < 200 ? len : 200), w->out, w->want);
    count = wick_delivery_slices(d, &m->stream, slices, 600);
    for (size_t i = 0; i < count && i < 600; i++) {
        if (slices[i].len > want - at || memcmp(w->want + at, slices[i].data, slices[i].len) != 0)
            return complain("slice %zu differs", i);
        at += slices[i].len;
    }
    if (count <= 600 && at != want)
        return complain("slices end at %zu of %zu", at, want);
    return NULL;
}

static const char *do_next(world *w, unsigned byte)
{
    model_reader *r = &w->r[byte % READERS];
    unsigned how = take_byte(w);
    wick_delivery d;
    wick_status got, want;
    uint64_t last = 0, deadline;
    size_t queued;
    const char *wrong;
    if (!r->attached)
        return NULL;
    if (!r->pending)
        r->slow = how % 8 == 7;
    queued = how % 64 == 33 ? WICK_STOP_BYTES : r->slow ? WICK_SLOW_BYTES : 0;
    got = wick_reader_next(&r->reader, &w->m[r->of]->stream, queued, w->now, &d);
    if (how % 64 == 33)
        return got == WICK_BLOCKED || got == WICK_E_STREAM_LOST ? NULL : complain("read in spite of a full queue");
    want = model_next(w, r, &last, &deadline);
    if ((got == WICK_E_STREAM_LOST) != (want == WICK_E_STREAM_LOST) || (got != want && w->exact))
        return complain("next: %s, want %s at %llu", wick_status_name(got), wick_status_name(want), N(r->sent));
    if (got == WICK_E_STREAM_LOST) {
        oracle_stream_counted.lost++;
        wick_reader_leave(&r->reader, &w->m[r->of]->stream, w->now);
        r->attached = 0;
        return NULL;
    }
    if (got == WICK_MORE) {
        oracle_stream_counted.waits += deadline != WICK_NEVER;
        if (w->exact && wick_reader_deadline(&r->reader) != deadline)
            return complain("deadline %llu, want %llu", N(wick_reader_deadline(&r->reader)), N(deadline));
        return NULL;
    }
    if (got != WICK_OK)
        return complain("next: %s", wick_status_name(got));
    if (d.seq != last)
        return complain("message ends at %llu, want %llu", N(d.seq), N(last));
    wrong = compare_message(w, r, &d);
    if (wrong)
        return wrong;
    if (how % 4 == 0) { /* output was blocked: perhaps this one goes out after all, later */
        r->old = d;
        r->have = 1;
        return NULL;
    }
    if (r->have && how % 16 == 5 && r->old.seq < d.seq) {
        d = r->old;
        r->looked = d.seq;
    }
    wick_reader_sent(&r->reader, &d);
    oracle_stream_counted.messages++;
    oracle_stream_counted.merged += d.events > 1;
    r->sent = d.seq;
    r->pending = 0;
    r->have = 0;
    if (wick_reader_cursor(&r->reader) != r->sent)
        return complain("cursor");
    return NULL;
}

static const char *do_attach(world *w, unsigned byte)
{
    model_reader *r = &w->r[byte % READERS];
    unsigned where = take_byte(w), how = take_byte(w);
    model *m = w->m[where % STREAMS];
    wick_cursor cursor;
    wick_resume resume;
    wick_reset want;
    if (r->attached)
        wick_reader_leave(&r->reader, &w->m[r->of]->stream, w->now);
    cursor.epoch = how % 16 == 9 ? 8 : 7;
    cursor.seq = m->head + 2 > where ? (m->head + 2 - where) : where % (m->head + 2);
    want = cursor.epoch != 7 || cursor.seq > m->head ? WICK_RESET_EPOCH_CHANGED
        : cursor.seq + 1 < m->oldest                 ? WICK_RESET_WINDOW_EXPIRED
                                                     : WICK_RESET_NONE;
    if (wick_stream_resume(&m->stream, &cursor, &resume) != want || resume.reset != want)
        return complain("resume at %llu: %s", N(cursor.seq), wick_reset_name(resume.reset));
    if (want == WICK_RESET_NONE ? resume.after != cursor.seq || resume.replay_count != m->head - cursor.seq
                                : resume.after != m->head)
        return complain("resume behind %llu", N(resume.after));
    *(want ? &oracle_stream_counted.resets : &oracle_stream_counted.resumed) += 1;
    if (wick_reader_init(&r->reader, &m->stream, m->head + 1) != WICK_E_ARG)
        return complain("a reader beyond the head");
    if (wick_reader_init(&r->reader, &m->stream, resume.after) != WICK_OK)
        return complain("init");
    r->attached = 1;
    r->of = (int)(where % STREAMS);
    r->sent = r->looked = resume.after;
    r->pending = 0;
    r->have = 0;
    r->coalesce = WICK_DEFAULT_COALESCE_MS;
    r->want = 0;
    return NULL;
}

static const char *do_tune(world *w, unsigned byte)
{
    static const wick_want none = WICK_WANT_NONE;
    model_reader *r = &w->r[byte % READERS];
    unsigned how = take_byte(w);
    if (!r->attached)
        return NULL;
    r->want = how % 4;
    r->coalesce = how / 4 % 3 == 0 ? 0 : how / 4 % 3 == 1 ? 16 : 250;
    r->compiled = none;
    for (int i = 0; i < 3 && wants[r->want][i]; i++)
        if (wick_want_add(&r->compiled, wants[r->want][i], strlen(wants[r->want][i])) != WICK_OK)
            return complain("want");
    wick_reader_tune(&r->reader, how / 4 % 3 == 2 ? 1000 : r->coalesce, r->want || how >= 128 ? &r->compiled : NULL);
    if (r->pending)
        r->looked = r->pending - 1;
    r->pending = 0;
    r->have = 0;
    return NULL;
}

/* ---- The driver ------------------------------------------------------------------------------------------ */

static const char *do_other(world *w, unsigned byte)
{
    model *m = w->m[byte / 8 % STREAMS];
    switch (byte % 8) {
    case 0:
        w->now += take_byte(w);
        return NULL;
    case 1:
        return check_snapshot(w, m);
    case 2:
        if (byte < 64)
            return NULL;
        m->oldest += wick_stream_trim(&m->stream, byte % 5, 1 << 20);
        if (m->oldest != wick_stream_oldest(&m->stream) || m->head + 1 - m->oldest > byte % 5)
            return complain("trim");
        return NULL;
    case 3: /* a new run */
        if (m->runs < RUNS_MAX)
            m->runs++;
        return NULL;
    default:
        w->now += 1;
        return NULL;
    }
}

static const char *do_operations(world *w)
{
    const char *wrong = NULL;
    while (w->p < w->end && !wrong) {
        unsigned byte = take_byte(w), what = take_byte(w) % 32;
        if (what < 14)
            wrong = do_append(w, byte);
        else if (what < 26)
            wrong = do_next(w, byte);
        else if (what < 28)
            wrong = do_attach(w, byte);
        else if (what == 28)
            wrong = do_tune(w, byte);
        else
            wrong = do_other(w, byte);
    }
    return wrong;
}

static void set_up(world *w)
{
    static const uint32_t events[] = {0, 4, 16, 100}, blocks[] = {1000, 12, 40, 200};
    unsigned shape = take_byte(w), size = take_byte(w);
    w->exact = shape % 2 == 0;
    w->pool_config.size = sizeof w->pool_config;
    w->pool_config.blocks = w->exact ? 3000 : blocks[shape / 2 % 4];
    w->pool_config.block_size = size % 3 == 0 ? 512 : size % 3 == 1 ? 1024 : 4096;
    w->pool_config.max_body = 65536;
    w->config.size = sizeof w->config;
    w->config.max_events = events[shape / 8 % 4];
    w->config.max_bytes = shape >= 128 ? 3000 : 0;
    w->config.text_bytes = w->exact ? 1u << 30 : size >= 128 ? 2000 : 0;
    w->config.ended_runs = 1 + size / 3 % 8;
    if (wick_pool_init(&w->pool, &w->pool_config, w->memory, wick_pool_size(&w->pool_config)) != WICK_OK)
        abort();
    for (int i = 0; i < STREAMS; i++) {
        if (wick_stream_init(&w->m[i]->stream, &w->pool, &w->config, 7, 0) != WICK_OK)
            abort();
        w->m[i]->oldest = 1;
    }
    if (!w->config.max_events)
        w->config.max_events = WICK_DEFAULT_STREAM_EVENTS;
    if (!w->config.max_bytes)
        w->config.max_bytes = WICK_DEFAULT_STREAM_BYTES;
}

static const char *tear_down(world *w)
{
    const char *wrong = NULL;
    for (int i = 0; i < STREAMS; i++) {
        model *m = w->m[i];
        wick_stream_free(&m->stream);
        if (m->stream.text || m->stream.bytes || m->stream.blocks)
            wrong = complain("an empty stream has text %llu, bytes %llu, blocks %llu", N(m->stream.text), N(m->stream.bytes),
                             N(m->stream.blocks));
        for (uint64_t seq = 1; seq <= m->head; seq++)
            free(m->event[seq].front), free(m->event[seq].text), free(m->event[seq].tail);
        for (int j = 0; j < RUNS_MAX; j++) {
            free(m->run[j].usage);
            for (int k = 0; k < 3; k++)
                free(m->run[j].text[k]);
        }
    }
    return wrong;
}

const char *oracle_stream_run(const uint8_t *script, size_t len)
{
    /* Not on the heap: large, and most of it is not touched by a short script. */
    static model models[STREAMS];
    static char buffers[3][BUFFER];
    static uint64_t memory[POOL_MAX / 8];
    world state, *w = &state;
    const char *wrong, *left;
    memset(w, 0, sizeof *w);
    for (int i = 0; i < STREAMS; i++) {
        w->m[i] = &models[i];
        memset(models[i].run, 0, sizeof models[i].run);
        models[i].head = models[i].runs = 0;
    }
    w->out = buffers[0];
    w->want = buffers[1];
    w->input = buffers[2];
    w->memory = memory;
    w->p = script;
    w->end = script + len;
    set_up(w);
    wrong = do_operations(w);
    for (int i = 0; i < STREAMS && !wrong; i++)
        wrong = check_snapshot(w, w->m[i]);
    oracle_stream_counted.evicted += w->pool.evicted;
    if (!wrong && w->exact && w->pool.evicted)
        wrong = complain("evicted from a large pool");
    left = tear_down(w);
    if (!wrong)
        wrong = left;
    if (!wrong && w->pool.free_count != w->pool.block_count)
        wrong = complain("%u of %u blocks came back", w->pool.free_count, w->pool.block_count);
    return wrong;
}
