/* SPDX-License-Identifier: MIT */
#include "common/crm/sample_more.h"

#define COUNT(array)   (sizeof(array) / sizeof((array)[0]))
#define PICK(m, array) ((array)[fb_sample_below(m, COUNT(array))])
#define TAX_RATE       1300 /* 13 % */
#define QTY_ONE        1000

/* What people write, in both languages: [0] Chinese, [1] English. */
static const char *const FAULTS[][2] = {{"设备运行噪音异常", "The machine runs loud"},
                                        {"压力读数不稳定", "Pressure reading drifts"},
                                        {"控制柜无法启动", "The cabinet does not start"},
                                        {"软件许可到期提示", "Licence is said to have expired"}};
static const char *const SYMPTOMS[][2] = {
    {"启动约十分钟后出现，停机后恢复。", "Begins ten minutes after the start, gone after a stop."},
    {"上周更换滤芯之后开始。", "Since the filter was changed last week."},
    {"两台中只有一台如此。", "One of the two machines only."}};
static const char *const NOTES[][2] = {
    {"采购经理下月换人，尽早拜访接任者。",
     "The buyer changes next month; see the successor early."},
    {"付款一向准时，要求先发货。", "Pays on time, asks for delivery first."},
    {"年底前有一次现场审核。", "An audit on site before the end of the year."}};
static const char *const TASKS[][2] = {{"回访报价", "Follow up the quotation"},
                                       {"确认交货日期", "Confirm the delivery date"},
                                       {"寄送样品", "Send samples"},
                                       {"安排现场勘查", "Arrange a visit to the site"}};
static const char *const WANTS[][2] = {{"想了解控制柜改造", "Asks about a new control cabinet"},
                                       {"展会上索取样本", "Took a brochure at the fair"},
                                       {"咨询年度维护服务", "Asks for yearly maintenance"}};

static const char *say(struct fb_sample_maker *m, const char *const (*texts)[2], size_t count,
                       bool is_chinese)
{
    return texts[fb_sample_below(m, count)][is_chinese ? 0 : 1];
}
#define SAY(m, texts, a) say(m, texts, COUNT(texts), (a)->is_chinese)

static void make_quote(struct fb_sample_maker *m, const struct fb_sample_around *a)
{
    static const char *const STATES[] = {"draft", "in_approval", "approved", "sent", "accepted"};
    char id[FB_ROW_ID_SIZE];
    char line[FB_ROW_ID_SIZE];
    fb_sample_begin(m, "quote", id);
    fb_sample_text(m, "company_id", a->company_id);
    fb_sample_text(m, "contact_id", a->contact_id);
    fb_sample_text(m, "status", PICK(m, STATES));
    fb_sample_text(m, "price_book_id", a->price_book_id);
    fb_sample_text(m, "currency_id", a->currency_id);
    fb_sample_date(m, "valid_to", 10 + (int64_t)fb_sample_below(m, 60));
    fb_sample_text(m, "payment_terms", "net_30");
    fb_sample_text(m, "owner_id", a->owner_id);
    fb_sample_end(m);
    fb_sample_begin(m, "quote_line", line);
    fb_sample_text(m, "quote_id", id);
    fb_sample_int(m, "position", 10);
    fb_sample_text(m, "product_id", a->product_id);
    fb_sample_text(m, "name", a->product_name);
    fb_sample_int(m, "qty", (1 + (int64_t)fb_sample_below(m, 12)) * QTY_ONE);
    fb_sample_text(m, "unit", a->unit);
    fb_sample_int(m, "list_price", a->price);
    fb_sample_int(m, "unit_price", a->price);
    fb_sample_int(m, "tax_rate", TAX_RATE);
    fb_sample_end(m);
}

static void make_case(struct fb_sample_maker *m, const struct fb_sample_around *a)
{
    static const char *const STATES[] = {"new", "open", "waiting_customer", "solved", "closed"};
    static const char *const PRIORITIES[] = {"low", "normal", "normal", "high", "urgent"};
    char id[FB_ROW_ID_SIZE];
    fb_sample_begin(m, "case", id);
    fb_sample_text(m, "subject", SAY(m, FAULTS, a));
    fb_sample_text(m, "company_id", a->company_id);
    fb_sample_text(m, "contact_id", a->contact_id);
    fb_sample_text(m, "product_id", a->product_id);
    fb_sample_text(m, "kind", "fault");
    fb_sample_text(m, "priority", PICK(m, PRIORITIES));
    fb_sample_text(m, "status", PICK(m, STATES));
    fb_sample_text(m, "owner_id", a->owner_id);
    fb_sample_text(m, "symptom", SAY(m, SYMPTOMS, a));
    fb_sample_time(m, "opened_at", -(int64_t)fb_sample_below(m, 20), 3);
    fb_sample_end(m);
}

static void make_note(struct fb_sample_maker *m, const struct fb_sample_around *a)
{
    char id[FB_ROW_ID_SIZE];
    fb_sample_begin(m, "note", id);
    fb_sample_text(m, "entity", "company");
    fb_sample_text(m, "record_id", a->company_id);
    fb_sample_text(m, "body", SAY(m, NOTES, a));
    fb_sample_text(m, "by_id", a->owner_id);
    fb_sample_end(m);
}

/* Planned, for today or some days ago: what "my day" shows. */
static void make_task(struct fb_sample_maker *m, const struct fb_sample_around *a)
{
    char id[FB_ROW_ID_SIZE];
    bool is_overdue = fb_sample_chance(m, 40);
    int64_t days = is_overdue ? -(1 + (int64_t)fb_sample_below(m, 5)) : 0;
    fb_sample_begin(m, "activity", id);
    fb_sample_text(m, "kind", is_overdue ? "task" : "call_out");
    fb_sample_text(m, "subject", SAY(m, TASKS, a));
    fb_sample_text(m, "status", "planned");
    fb_sample_int(m, "important", fb_sample_chance(m, 30));
    fb_sample_date(m, "due_on", days);
    fb_sample_time(m, "starts_at", days, (int64_t)fb_sample_below(m, 28));
    fb_sample_text(m, "company_id", a->company_id);
    fb_sample_text(m, "contact_id", a->contact_id);
    fb_sample_text(m, "owner_id", a->owner_id);
    fb_sample_end(m);
}

static void make_lead(struct fb_sample_maker *m, const struct fb_sample_around *a)
{
    static const char *const SOURCES[] = {"web", "trade_show", "wechat", "referral"};
    static const char *const QUALITIES[] = {"hot", "warm", "cold", "unknown"};
    char id[FB_ROW_ID_SIZE];
    fb_sample_begin(m, "lead", id);
    fb_sample_text(m, "subject", SAY(m, WANTS, a));
    fb_sample_text(m, "company_name", a->company_name);
    fb_sample_text(m, "source", PICK(m, SOURCES));
    fb_sample_text(m, "quality", PICK(m, QUALITIES));
    fb_sample_text(m, "owner_id", a->owner_id);
    fb_sample_time(m, "received_at", -(int64_t)fb_sample_below(m, 30), 2);
    fb_sample_end(m);
}

void fb_sample_more(struct fb_sample_maker *m, const struct fb_sample_around *a)
{
    typedef void make(struct fb_sample_maker *, const struct fb_sample_around *);
    static const struct {
        make *make;
        size_t percent; /* of the accounts */
    } KINDS[] = {
        {make_quote, 40}, {make_case, 30}, {make_note, 30}, {make_task, 35}, {make_lead, 20}};
    for (size_t i = 0; i < COUNT(KINDS); i++) {
        if (fb_sample_chance(m, KINDS[i].percent)) {
            KINDS[i].make(m, a);
        }
    }
}
