/*
 * The order of one invocation's events. Open calls and requests are remembered by a 64-bit hash of their id: two ids
 * with the same hash, 1 in 2^64, share their state.
 */
#include "agent/event_fields.h"

enum order_state { ORDER_NEW, ORDER_RUNNING, ORDER_ENDED };

#define CALL_SALT 0u
#define REQUEST_SALT 0x9E3779B97F4A7C15u /* a call and a request may have the same id */

static int find_open(const wick_order *order, uint64_t key)
{
    int i;
    for (i = 0; i < order->open_count; i++)
        if (order->open[i] == key)
            return i;
    return -1;
}

static void remember(wick_order *order, uint64_t key)
{
    if (find_open(order, key) >= 0)
        return;
    if (order->open_count < WICK_ORDER_OPEN_MAX)
        order->open[order->open_count++] = key;
    else
        order->lenient = 1;
}

/* Whether something is open or may be; with `close` it is not any more. */
static int take_open(wick_order *order, uint64_t key, int close)
{
    int i = find_open(order, key);
    if (i < 0)
        return order->lenient;
    if (close)
        order->open[i] = order->open[--order->open_count];
    return 1;
}

static wick_status check_action(wick_order *order, const wick_agent_action *action)
{
    uint64_t key = wick_text_hash(&action->call_id) ^ CALL_SALT;
    if (action->phase == WICK_PHASE_START)
        remember(order, key);
    else if (action->phase == WICK_PHASE_ARGS || action->phase == WICK_PHASE_END)
        return take_open(order, key, action->phase == WICK_PHASE_END) ? WICK_OK : WICK_E_ORDER_CALL;
    return WICK_OK;
}

static wick_status check_progress(wick_order *order, const wick_text *progress)
{
    wick_text last = {order->progress, order->progress_len, WICK_TEXT_JSON};
    int sign;
    if (!progress->data || progress->len > sizeof order->progress)
        return WICK_E_ORDER_PROGRESS;
    if (last.len == 0)
        last = *progress;
    if (wick_json_compare(&last, progress, &sign) != WICK_OK || (order->progress_len && sign >= 0))
        return WICK_E_ORDER_PROGRESS;
    memcpy(order->progress, progress->data, progress->len);
    order->progress_len = (uint8_t)progress->len;
    return WICK_OK;
}

static int is_event_of_run(wick_type type)
{
    switch (type) {
    case WICK_TYPE_AGENT_STARTED:
    case WICK_TYPE_AGENT_TOKEN:
    case WICK_TYPE_AGENT_THOUGHT:
    case WICK_TYPE_AGENT_ACTION:
    case WICK_TYPE_AGENT_OUTPUT:
    case WICK_TYPE_AGENT_STATE:
    case WICK_TYPE_AGENT_PROGRESS:
    case WICK_TYPE_AGENT_USAGE:
    case WICK_TYPE_AGENT_LOG:
    case WICK_TYPE_AGENT_INPUT_REQUEST:
    case WICK_TYPE_AGENT_INPUT_RESOLVED:
    case WICK_TYPE_AGENT_COMPLETED:
    case WICK_TYPE_AGENT_FAILED:
        return 1;
    default:
        return 0;
    }
}

wick_status wick_order_check(wick_order *order, const wick_event *event)
{
    if (!is_event_of_run(event->type))
        return WICK_OK;
    if (order->state == ORDER_ENDED)
        return WICK_E_ORDER_END;
    if ((event->type == WICK_TYPE_AGENT_STARTED) != (order->state == ORDER_NEW))
        return WICK_E_ORDER_START;
    switch (event->type) {
    case WICK_TYPE_AGENT_STARTED:
        order->state = ORDER_RUNNING;
        return WICK_OK;
    case WICK_TYPE_AGENT_COMPLETED:
    case WICK_TYPE_AGENT_FAILED:
        order->state = ORDER_ENDED;
        return WICK_OK;
    case WICK_TYPE_AGENT_ACTION:
        return check_action(order, &event->as.agent_action);
    case WICK_TYPE_AGENT_PROGRESS:
        return check_progress(order, &event->as.agent_progress.progress);
    case WICK_TYPE_AGENT_INPUT_REQUEST:
        remember(order, wick_text_hash(&event->as.input_request.request_id) ^ REQUEST_SALT);
        return WICK_OK;
    case WICK_TYPE_AGENT_INPUT_RESOLVED:
        if (!take_open(order, wick_text_hash(&event->as.input_resolved.request_id) ^ REQUEST_SALT, 1))
            return WICK_E_ORDER_REQUEST;
        return WICK_OK;
    default:
        return WICK_OK;
    }
}

int wick_order_running(const wick_order *order)
{
    return order->state == ORDER_RUNNING;
}
