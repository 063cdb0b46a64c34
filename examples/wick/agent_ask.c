/*
 * agent_ask.c - questions of the agent: put on stderr one after the other, each answered by a line from stdin; at the
 * end of stdin the rest is declined. stdin is read only while a question is open.
 */
#include "wick/agent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES (256u << 10)

/* A question that has come, answered or not: what comes again after a resume is known by its request_id. */
struct question {
    struct question *next;
    char *request_id;
    wick_text choices; /* JSON, absent if there are none */
    wick_text fallback;
    char *memory[2];   /* of these */
    int form;          /* a JSON object may be the answer */
    int open;
};

static struct loop *loop;
static ask_answered *answered_by_user;
static struct question *questions, **last = &questions;
static struct source input;
static int watching, is_file, ended;
static char *line;
static size_t line_len, line_cap;

static void read_input(void);

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

static char *copy_plain(const wick_text *text)
{
    char *copy = malloc((size_t)text->len + 1);
    wick_str plain;
    if (!copy || wick_text_plain(text, copy, text->len, &plain) != WICK_OK) {
        free(copy);
        return NULL;
    }
    if (plain.len)
        memmove(copy, plain.data, plain.len);
    copy[plain.len] = '\0';
    return copy;
}

static wick_text keep_text(const wick_text *text, char **memory)
{
    wick_text copy = { NULL, 0, 0 };
    *memory = text->data ? malloc((size_t)text->len + 1) : NULL;
    if (*memory) {
        memcpy(*memory, text->data, text->len);
        copy = *text;
        copy.data = *memory;
    }
    return copy;
}

static struct question *first_open(void)
{
    struct question *question = questions;
    while (question && !question->open)
        question = question->next;
    return question;
}

static struct question *find_question(const wick_text *request_id)
{
    struct question *question = questions;
    while (question && !wick_text_is(request_id, question->request_id, strlen(question->request_id)))
        question = question->next;
    return question;
}

/* ---- The answer -------------------------------------------------------------------------------------------------- */

/* The choice that the line names, by its text or its number; absent if none. */
static wick_text choose(const wick_text *choices, const char *text, size_t len)
{
    wick_json_reader reader;
    wick_json_token token;
    wick_text choice, numbered = { NULL, 0, 0 };
    char number[24];
    if (wick_json_reader_init(&reader, NULL, choices->data, choices->len) != WICK_OK ||
        wick_json_next(&reader, &token) != WICK_OK)
        return numbered;
    for (unsigned at = 1; wick_json_value(&reader, &choice) == WICK_OK; at++) {
        if (wick_text_is(&choice, text, len))
            return choice;
        int digits = snprintf(number, sizeof number, "%u", at);
        if ((size_t)digits == len && memcmp(number, text, len) == 0)
            numbered = choice;
    }
    return numbered;
}

static int is_object(const char *text, size_t len)
{
    return len && text[0] == '{' && wick_json_check(NULL, text, len, NULL) == WICK_OK;
}

static void settle(struct question *question, const char *text, size_t len)
{
    wick_text content = wick_text_of(text, len), choice = { NULL, 0, 0 };
    uint32_t state = 0;
    if (wick_utf8_check(&state, (const uint8_t *)text, len) != len || state != 0) {
        show_note("that is not UTF-8; please answer again");
        return;
    }
    if (question->choices.data)
        choice = choose(&question->choices, text, len);
    if (choice.data)
        content = choice;
    else if (len == 0 && question->fallback.data)
        content = question->fallback;
    else if (question->form && is_object(text, len))
        content.form = WICK_TEXT_JSON;
    question->open = 0;
    answered_by_user(question->request_id, &content, WICK_ANSWER_ANSWERED);
}

static void decline_all(void)
{
    wick_text nothing = WICK_TEXT("");
    struct question *question;
    while ((question = first_open()) != NULL) {
        question->open = 0;
        show_note("nobody is there to answer: declined");
        answered_by_user(question->request_id, &nothing, WICK_ANSWER_DECLINED);
    }
}

/* ---- stdin ------------------------------------------------------------------------------------------------------- */

static void want_input(void)
{
    if (is_file)
        loop_arm(loop, &input, loop->now_ms);
    else if (watching)
        loop_change(loop, &input, EPOLLIN);
    else if (loop_watch(loop, &input, STDIN_FILENO, EPOLLIN) == 0)
        watching = 1;
    else if (errno == EPERM) { /* epoll does not take files: they are always ready */
        is_file = 1;
        loop_arm(loop, &input, loop->now_ms);
    } else {
        ended = 1; /* there is no stdin */
        decline_all();
    }
}

/* Answer what is open with the lines that are there, and see to it that more come. */
static void advance(void)
{
    struct question *question;
    size_t at = 0;
    while ((question = first_open()) != NULL) {
        char *end = line_len > at ? memchr(line + at, '\n', line_len - at) : NULL;
        size_t len = end ? (size_t)(end - line) - at : line_len - at;
        if (!end && !(ended && len))
            break;
        size_t used = len + (end != NULL);
        if (len && line[at + len - 1] == '\r')
            len--;
        settle(question, line + at, len);
        at += used;
    }
    if (at) {
        line_len -= at;
        memmove(line, line + at, line_len);
    }
    if (ended)
        decline_all();
    else if (first_open())
        want_input();
    else if (watching)
        loop_change(loop, &input, 0);
}

static void end_input(void)
{
    ended = 1;
    loop_drop(loop, &input);
    watching = 0;
    advance();
}

static void read_input(void)
{
    if (line_len == line_cap) {
        size_t cap = line_cap ? line_cap * 2 : 4096;
        char *grown = cap <= LINE_MAX_BYTES ? realloc(line, cap) : NULL;
        if (!grown) {
            show_note("the answer is too long");
            line_len = 0;
            end_input();
            return;
        }
        line = grown;
        line_cap = cap;
    }
    ssize_t got = read(STDIN_FILENO, line + line_len, line_cap - line_len);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) {
        want_input();
        return;
    }
    if (got <= 0) {
        end_input();
        return;
    }
    line_len += (size_t)got;
    advance();
}

static void on_ready(struct loop *of, struct source *source, unsigned events)
{
    (void)of;
    (void)source;
    (void)events;
    read_input();
}

static void on_due(struct loop *of, struct source *source)
{
    (void)of;
    (void)source;
    read_input();
}

static const struct source_type input_type = { on_ready, on_due };

void ask_begin(struct loop *of, ask_answered *answered)
{
    loop = of;
    answered_by_user = answered;
    source_init(&input, &input_type);
}

void ask_end(struct loop *of)
{
    loop_drop(of, &input);
    while (questions) {
        struct question *next = questions->next;
        free(questions->request_id);
        free(questions->memory[0]);
        free(questions->memory[1]);
        free(questions);
        questions = next;
    }
    last = &questions;
    free(line);
}

/* ---- Questions --------------------------------------------------------------------------------------------------- */

static void put_question(const wick_input_request *request)
{
    wick_json_reader reader;
    wick_json_token token;
    wick_text choice;
    char label[32];
    show_field("question", &request->question);
    if (request->choices.data &&
        wick_json_reader_init(&reader, NULL, request->choices.data, request->choices.len) == WICK_OK &&
        wick_json_next(&reader, &token) == WICK_OK) {
        for (unsigned at = 1; wick_json_value(&reader, &choice) == WICK_OK; at++) {
            snprintf(label, sizeof label, "  %u", at);
            show_field(label, &choice);
        }
    }
    if (request->schema.data)
        show_field("  answer with a JSON object like", &request->schema);
    if (request->fallback.data)
        show_field("  an empty line is", &request->fallback);
}

void ask_add(const wick_input_request *request)
{
    struct question *question = find_question(&request->request_id);
    if (question)
        return;
    question = calloc(1, sizeof *question);
    char *request_id = copy_plain(&request->request_id);
    if (!question || !request_id) {
        free(question);
        free(request_id);
        show_note("out of memory: a question is not answered");
        return;
    }
    question->request_id = request_id;
    question->choices = keep_text(&request->choices, &question->memory[0]);
    question->fallback = keep_text(&request->fallback, &question->memory[1]);
    question->form = request->kind == WICK_ASK_FORM || request->schema.data != NULL;
    question->open = 1;
    *last = question;
    last = &question->next;
    put_question(request);
    advance();
}

void ask_resolved(const wick_input_resolved *resolved)
{
    struct question *question = find_question(&resolved->request_id);
    if (question)
        question->open = 0;
    if (!ended)
        advance();
}
