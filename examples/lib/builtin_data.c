/*
 * liaison.data - statistics over the numbers in the text: of all of them, and if the text is a table (lines of
 * fields parted by commas, semicolons or tabs) of each column.
 */
#include "lib/builtin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 32
#define NUMBER_TEXT 40

enum { START, READ, COUNT, RESULT, DONE, SAY, PUT_OUT, COMPLETE };

struct column {
    const char *name;
    size_t name_len;
    double *values;
    size_t count, cap;
    int failed;
};

struct table {
    struct column columns[COLUMNS_MAX];
    size_t column_count; /* 0: the text is no table */
    struct column all;
};

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

static void add_value(struct column *column, double value)
{
    if (column->count == column->cap) {
        size_t cap = column->cap ? column->cap * 2 : 64;
        double *values = realloc(column->values, cap * sizeof *values);
        if (!values) {
            column->failed = 1;
            return;
        }
        column->values = values;
        column->cap = cap;
    }
    column->values[column->count++] = value;
}

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The bytes of a number that starts at data: [+-] digits [. digits] [e [+-] digits]; 0 if there is none. */
static size_t number_len(const char *data, size_t len)
{
    size_t i = len && (data[0] == '-' || data[0] == '+'), start = i;
    while (i < len && is_digit(data[i]))
        i++;
    if (i + 1 < len && data[i] == '.' && is_digit(data[i + 1]))
        for (i++; i < len && is_digit(data[i]); i++)
            ;
    if (i == start)
        return 0;
    if (i + 1 < len && (data[i] == 'e' || data[i] == 'E')) {
        size_t e = i + 1 + (data[i + 1] == '-' || data[i + 1] == '+');
        if (e < len && is_digit(data[e]))
            for (i = e; i < len && is_digit(data[i]); i++)
                ;
    }
    return i;
}

static double to_double(const char *data, size_t len)
{
    char text[64];
    if (len >= sizeof text)
        len = sizeof text - 1;
    memcpy(text, data, len);
    text[len] = 0;
    return strtod(text, NULL); /* the locale is "C": nobody has set another */
}

/* All numbers in running text. One that is glued to a word, such as the 2 in H2O, is part of the word. */
static void read_numbers(const struct text *text, struct column *all)
{
    for (size_t i = 0; i < text->len;) {
        char before = i ? text->data[i - 1] : ' ';
        int glued = (before >= 'a' && before <= 'z') || (before >= 'A' && before <= 'Z') || before == '_' ||
                    is_digit(before) || (before & 0x80);
        size_t len = glued ? 0 : number_len(text->data + i, text->len - i);
        if (len)
            add_value(all, to_double(text->data + i, len));
        i += len ? len : 1;
    }
}

/* The next field of a line, without white space and quotes around it; 0 at the end of the line. */
static int next_field(const char **at, const char *end, char comma, wick_str *field)
{
    const char *start = *at, *stop = start;
    if (start > end)
        return 0;
    while (stop < end && *stop != comma)
        stop++;
    *at = stop + 1;
    while (start < stop && (*start == ' ' || *start == '"' || *start == '\r'))
        start++;
    while (stop > start && (stop[-1] == ' ' || stop[-1] == '"' || stop[-1] == '\r'))
        stop--;
    field->data = start;
    field->len = (size_t)(stop - start);
    return 1;
}

static size_t count_fields(const char *line, const char *end, char comma)
{
    size_t count = 0;
    wick_str field;
    while (next_field(&line, end, comma, &field))
        count++;
    return count;
}

static const char *line_end(const char *at, const char *end)
{
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    return newline ? newline : end;
}

/* What parts the fields: the first that all lines, at least two, have equally often, at least once. 0: no table. */
static char find_comma(const struct text *text, size_t *columns)
{
    static const char commas[] = { ',', ';', '\t' };
    const char *end = text->data + text->len;
    for (size_t c = 0; c < sizeof commas; c++) {
        size_t lines = 0, fields = 0;
        int same = 1;
        for (const char *at = text->data; at < end && same; at = line_end(at, end) + 1) {
            size_t count = count_fields(at, line_end(at, end), commas[c]);
            if (line_end(at, end) - at <= 1)
                continue; /* an empty line */
            same = lines++ == 0 || count == fields;
            fields = count;
        }
        if (same && lines >= 2 && fields >= 2 && fields <= COLUMNS_MAX) {
            *columns = fields;
            return commas[c];
        }
    }
    return 0;
}

static void read_line(struct table *table, const char *at, const char *end, char comma, int first)
{
    wick_str field;
    for (size_t i = 0; i < table->column_count && next_field(&at, end, comma, &field); i++) {
        struct column *column = &table->columns[i];
        if (field.len && number_len(field.data, field.len) == field.len) {
            double value = to_double(field.data, field.len);
            add_value(column, value);
            add_value(&table->all, value);
        } else if (first) {
            column->name = field.data;
            column->name_len = field.len;
        }
    }
}

static void read_table(const struct text *text, struct table *table)
{
    char comma = text->len ? find_comma(text, &table->column_count) : 0;
    if (!comma) {
        read_numbers(text, &table->all);
        return;
    }
    const char *end = text->data + text->len;
    for (const char *at = text->data; at < end; at = line_end(at, end) + 1)
        read_line(table, at, line_end(at, end), comma, at == text->data);
}

/* ---- Statistics -------------------------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    double x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

/* Without libm, which the program would need for these alone. */
static int is_finite(double value)
{
    return value - value == 0;
}

static double magnitude(double value)
{
    return value < 0 ? -value : value;
}

static double square_root(double value)
{
    long double root, next = value > 1 ? value : 1;
    if (!(value > 0) || !is_finite(value))
        return value;
    do {
        root = next;
        next = (root + value / root) / 2;
    } while (next < root); /* Newton's method falls until it is there */
    return (double)root;
}

/* A number as people write it, and as JSON allows it. */
static const char *number(char *out, double value)
{
    if (!is_finite(value))
        return "null";
    /* Integers are exact up to 2^53; else 15 digits: 0.1 + 0.2 is 0.3. */
    if (value > -9007199254740992.0 && value < 9007199254740992.0 && value == (double)(int64_t)value)
        snprintf(out, NUMBER_TEXT, "%lld", (long long)value);
    else
        snprintf(out, NUMBER_TEXT, "%.15g", value);
    return out;
}

static double sum_of(const struct column *column)
{
    double sum = 0, lost = 0; /* Neumaier's: what the additions lose is added at the end */
    for (size_t i = 0; i < column->count; i++) {
        double value = column->values[i], next = sum + value;
        lost += magnitude(sum) >= magnitude(value) ? sum - next + value : value - next + sum;
        sum = next;
    }
    return is_finite(lost) ? sum + lost : sum;
}

static double deviation(const struct column *column, double mean)
{
    double squares = 0;
    for (size_t i = 0; i < column->count; i++)
        squares += (column->values[i] - mean) * (column->values[i] - mean);
    return column->count > 1 ? square_root(squares / (double)(column->count - 1)) : 0;
}

/* The same figures twice: as a sentence, and as the members of an object. */
static void describe(struct column *column, struct text *say, struct text *json)
{
    char text[7][NUMBER_TEXT];
    if (column->count == 0) {
        text_format(json, "{\"count\":0,\"sum\":0}");
        return;
    }
    size_t n = column->count;
    double sum = sum_of(column), mean = sum / (double)n;
    qsort(column->values, n, sizeof *column->values, by_value);
    double median = (column->values[(n - 1) / 2] + column->values[n / 2]) / 2;
    const char *parts[] = { number(text[0], sum), number(text[1], mean), number(text[2], median),
                            number(text[3], column->values[0]), number(text[4], column->values[n - 1]),
                            number(text[5], deviation(column, mean)) };
    text_format(say, "count %zu, sum %s, mean %s, median %s, min %s, max %s, standard deviation %s.\n", n, parts[0],
                parts[1], parts[2], parts[3], parts[4], parts[5]);
    text_format(json, "{\"count\":%zu,\"sum\":%s,\"mean\":%s,\"median\":%s,\"min\":%s,\"max\":%s,\"stddev\":%s}", n,
                parts[0], parts[1], parts[2], parts[3], parts[4], parts[5]);
}

/* The content is {"count":…,…} of all numbers, with "columns":[{"name":…,"count":…,…},…] for a table. */
static void describe_table(struct table *table, struct text *say, struct text *content)
{
    if (table->all.count == 0) {
        text_format(say, "There are no numbers in the text.\n");
        text_format(content, "{\"count\":0,\"sum\":0}");
        return;
    }
    text_format(say, "All numbers: ");
    describe(&table->all, say, content);
    if (table->column_count == 0)
        return;
    content->len--; /* the closing brace */
    text_format(content, ",\"columns\":[");
    for (size_t i = 0, told = 0; i < table->column_count; i++) {
        struct column *column = &table->columns[i];
        char name[256];
        size_t len = 0;
        wick_json_writer writer;
        if (column->count == 0)
            continue;
        wick_text label = wick_text_of(column->name, column->name_len);
        label = wick_text_cut(&label, 60);
        text_format(say, "Column %zu%s%.*s%s: ", i + 1, label.len ? " (" : "", (int)label.len,
                    label.len ? label.data : "", label.len ? ")" : "");
        wick_json_writer_init(&writer, name, sizeof name, WICK_JSON_REPLACE);
        wick_json_put_string(&writer, label.len ? label.data : "", label.len);
        if (wick_json_writer_end(&writer, &len) != WICK_OK)
            len = 0;
        text_format(content, "%s{\"name\":%.*s,\"statistics\":", told++ ? "," : "", len ? (int)len : 2,
                    len ? name : "\"\"");
        describe(column, say, content);
        text_format(content, "}");
    }
    text_format(content, "]}");
}

static int data_begin(struct run *run)
{
    struct table *table = calloc(1, sizeof *table);
    if (!table)
        return -1;
    read_table(&run->text, table);
    describe_table(table, &run->out, &run->content);
    int failed = table->all.failed;
    for (size_t i = 0; i < COLUMNS_MAX; i++) {
        failed |= table->columns[i].failed;
        free(table->columns[i].values);
    }
    free(table->all.values);
    free(table);
    return failed ? -1 : 0;
}

/* ---- The agent --------------------------------------------------------------------------------------------------- */

static enum step act(struct run *run, unsigned phase, const char *name)
{
    wick_event event = { .type = WICK_TYPE_AGENT_ACTION };
    event.as.agent_action.call_id = WICK_TEXT("statistics_1");
    event.as.agent_action.phase = (uint8_t)phase;
    if (name) {
        event.as.agent_action.name = wick_text_of(name, strlen(name));
        event.as.agent_action.title = WICK_TEXT("Reading the numbers in the text");
    }
    if (phase == WICK_PHASE_RESULT) {
        event.as.agent_action.result = wick_text_of(run->content.data, run->content.len);
        event.as.agent_action.result.form = WICK_TEXT_JSON;
    }
    enum step step = run_emit(run, &event);
    run->phase += step == STEP_MORE;
    return step;
}

static enum step progress(struct run *run, const char *value, const char *message)
{
    wick_event event = { .type = WICK_TYPE_AGENT_PROGRESS };
    event.as.agent_progress.progress = wick_text_of(value, strlen(value));
    event.as.agent_progress.progress.form = WICK_TEXT_JSON;
    event.as.agent_progress.total = WICK_TEXT("2");
    event.as.agent_progress.total.form = WICK_TEXT_JSON;
    event.as.agent_progress.message = wick_text_of(message, strlen(message));
    enum step step = run_emit(run, &event);
    run->phase += step == STEP_MORE;
    return step;
}

static enum step put_out(struct run *run)
{
    wick_event event = { .type = WICK_TYPE_AGENT_OUTPUT };
    event.as.agent_output.kind = WICK_OUTPUT_FINAL;
    event.as.agent_output.content = wick_text_of(run->content.data, run->content.len);
    event.as.agent_output.content.form = WICK_TEXT_JSON;
    event.as.agent_output.mime = WICK_TEXT("application/json");
    enum step step = run_emit(run, &event);
    run->phase += step == STEP_MORE;
    return step;
}

static enum step data_step(struct run *run)
{
    enum step step;
    switch (run->phase) {
    case START:
        return act(run, WICK_PHASE_START, "statistics");
    case READ:
        return progress(run, "1", "Read the text");
    case COUNT:
        return act(run, WICK_PHASE_END, NULL);
    case RESULT:
        return act(run, WICK_PHASE_RESULT, NULL);
    case DONE:
        return progress(run, "2", "Computed the statistics");
    case SAY:
        step = run_say(run);
        if (step != STEP_DONE || run->out_at < run->out.len)
            return step;
        run->phase = PUT_OUT;
        return STEP_MORE;
    case PUT_OUT:
        return put_out(run);
    default:
        return run_complete(run);
    }
}

const struct builtin builtin_data = { "liaison.data", data_begin, data_step, NULL };
