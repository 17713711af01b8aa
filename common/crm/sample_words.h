/* SPDX-License-Identifier: MIT
 *
 * Words that sample data is made of, our own choice of common ones. Places with one index belong together.
 */
#ifndef FB_CRM_SAMPLE_WORDS_H
#define FB_CRM_SAMPLE_WORDS_H

static const char *const SURNAMES_ZH[] = {
    "王", "李", "张", "刘", "陈", "杨", "黄", "赵", "吴",   "周",   "徐",   "孙",  "马", "朱",
    "胡", "郭", "何", "林", "高", "罗", "郑", "梁", "谢",   "宋",   "唐",   "许",  "韩", "邓",
    "冯", "曹", "彭", "曾", "萧", "田", "董", "潘", "袁",   "蔡",   "蒋",   "余",  "于", "杜",
    "叶", "程", "魏", "苏", "吕", "丁", "沈", "任", "欧阳", "诸葛", "司马", "上官"};
static const char *const GIVEN_ZH[] = {
    "伟",   "芳",   "娜",   "敏",   "静",   "强",   "磊",   "洋",   "艳",   "勇",   "军",
    "杰",   "娟",   "涛",   "明",   "超",   "秀英", "桂英", "建国", "建华", "志强", "海燕",
    "晓东", "文博", "子涵", "雨桐", "思远", "佳怡", "浩然", "宇轩", "梓萱", "嘉豪", "俊熙",
    "欣怡", "晨曦", "立新", "国庆", "丽华", "淑珍", "永强", "少华", "一诺"};
static const char *const SURNAMES_EN[] = {"Smith",   "Novak",   "Garcia", "Müller", "Okafor",
                                          "Silva",   "Tanaka",  "Kumar",  "Haddad", "Jensen",
                                          "Dubois",  "Patel",   "Rossi",  "Nguyen", "Walker",
                                          "O'Brien", "Fischer", "Costa",  "Lind",   "Chapman"};
static const char *const GIVEN_EN[] = {
    "Anna",  "Jonas", "Mateo", "Priya", "Yuki",  "Omar",  "Elena", "Noah",  "Fatima", "Peter",
    "Chloe", "Pavel", "Rosa",  "Tomás", "Grace", "Henry", "Ines",  "Lucas", "Marta",  "Oliver"};
static const struct {
    const char *province;
    const char *city;
    const char *district;
    const char *area_code;
} PLACES_ZH[] = {{"辽宁省", "沈阳市", "和平区", "024"},   {"北京市", "北京市", "海淀区", "010"},
                 {"上海市", "上海市", "浦东新区", "021"}, {"广东省", "深圳市", "南山区", "0755"},
                 {"广东省", "广州市", "天河区", "020"},   {"江苏省", "苏州市", "工业园区", "0512"},
                 {"浙江省", "杭州市", "西湖区", "0571"},  {"四川省", "成都市", "高新区", "028"},
                 {"湖北省", "武汉市", "洪山区", "027"},   {"陕西省", "西安市", "雁塔区", "029"},
                 {"山东省", "青岛市", "崂山区", "0532"},  {"台湾省", "新北市", "板桥区", "02"}};
static const struct {
    const char *country;
    const char *city;
    const char *phone_prefix;
} PLACES_EN[] = {{"United Kingdom", "Leeds", "+44 113"}, {"Germany", "Bremen", "+49 421"},
                 {"Portugal", "Porto", "+351 22"},       {"United States", "Boston", "+1 617"},
                 {"Netherlands", "Utrecht", "+31 30"},   {"Czech Republic", "Brno", "+420 5"},
                 {"Singapore", "Singapore", "+65 6"},    {"Australia", "Perth", "+61 8"}};
static const char *const BRANDS_ZH[] = {"华", "鑫", "恒", "瑞", "盛", "天", "远", "宏",
                                        "泰", "嘉", "明", "德", "中", "新", "东", "海"};
static const char *const BRANDS2_ZH[] = {"达", "源", "通", "信", "兴", "安", "丰", "诚",
                                         "创", "威", "润", "科", "腾", "力", "邦", "睿"};
static const char *const BRANDS_EN[] = {"Harbour",   "Northfield",  "Ashgrove", "Kestrel",
                                        "Bluewater", "Stonebridge", "Larkhill", "Meridian",
                                        "Alder",     "Redwood",     "Summit",   "Fairview"};
static const struct {
    const char *value; /* of the choice list industry */
    const char *zh;
    const char *en;
} INDUSTRIES[] = {{"machinery", "机械设备", "Machinery"},
                  {"electronics", "电子", "Electronics"},
                  {"it", "软件", "Software"},
                  {"chemicals", "化工", "Chemicals"},
                  {"pharma", "医药", "Pharma"},
                  {"food", "食品", "Foods"},
                  {"logistics", "物流", "Logistics"},
                  {"energy", "能源", "Energy"},
                  {"construction", "建筑工程", "Building"},
                  {"wholesale", "贸易", "Trading"}};
static const char *const STREETS_ZH[] = {"中山路",   "人民路", "解放大街", "建设路",
                                         "科技园路", "长江路", "青年大街", "文化路"};
static const char *const STREETS_EN[] = {"Station Road", "Mill Lane", "High Street", "Harbour Way",
                                         "Park Avenue"};
static const char *const TITLES_ZH[] = {"总经理",     "采购经理",     "技术总监", "财务主管",
                                        "设备工程师", "信息中心主任", "销售总监"};
static const char *const TITLES_EN[] = {"Managing Director", "Head of Purchasing", "CTO",
                                        "Plant Engineer", "Buyer"};
static const struct {
    const char *code;
    const char *zh;
    const char *en;
    const char *unit;
    long price; /* minor units */
} PRODUCTS[] = {{"P-100", "离心泵 P-100", "Centrifugal pump P-100", "unit", 1280000},
                {"P-200", "耐腐蚀泵 P-200", "Acid-proof pump P-200", "unit", 2460000},
                {"V-010", "球阀 DN50", "Ball valve DN50", "pc", 38000},
                {"V-020", "电动调节阀 DN80", "Control valve DN80", "pc", 560000},
                {"S-300", "温度传感器", "Temperature sensor", "pc", 45000},
                {"S-310", "压力变送器", "Pressure transmitter", "pc", 128000},
                {"C-900", "控制柜", "Control cabinet", "set", 3890000},
                {"L-001", "监控软件许可", "Monitoring licence", "licence", 980000},
                {"M-001", "年度维护服务", "Yearly maintenance", "year", 1500000},
                {"T-001", "现场培训", "Training on site", "day", 480000}};
static const char *const SUBJECTS_ZH[] = {"电话回访", "上门拜访", "产品演示", "方案讨论",
                                          "合同谈判", "发送报价", "售后回访", "参观工厂"};
static const char *const SUBJECTS_EN[] = {"Follow-up call", "Visit", "Product demo",
                                          "Discuss the proposal", "Send the quotation"};
static const char *const PROJECTS_ZH[] = {"新厂设备采购", "生产线改造", "年度框架协议",
                                          "能源监控项目", "备件供应"};
static const char *const PROJECTS_EN[] = {"New plant equipment", "Line upgrade", "Frame contract",
                                          "Energy monitoring", "Spare parts"};
static const char *const NOTES_ZH[] = {"客户关注交货期，预算在下季度批复。\n竞争对手已提交报价。",
                                       "对上次服务很满意，愿意做推荐客户。", "需要补充资质文件。"};
static const char *const NOTES_EN[] = {
    "Delivery time matters; the budget is decided next quarter.\nA competitor has quoted already.",
    "Content with the last service, would be a reference.", "Asks for our certificates."};

#endif
