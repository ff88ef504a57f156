"""The demo courses of 青禾县 and the slides of their short lectures: neutral facts of the field, no quotations."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Page:
    """One slide."""

    heading: str
    points: tuple[str, ...]


@dataclass(frozen=True)
class DemoLesson:
    """A lesson; with pages the worker draws a lecture of `seconds`, without it waits for its trainer's file."""

    title: str
    pages: tuple[Page, ...] = ()
    seconds: int = 120


@dataclass(frozen=True)
class DemoCourse:
    """A course; `stands` is published, in_review or draft, `days` how many days ago, `audience` short names."""

    title: str
    category: str
    slip: str
    kind: str
    hours_100: int
    summary: str
    lessons: tuple[DemoLesson, ...]
    compulsory: bool = False
    stands: str = "draft"
    days: int = 1
    audience: tuple[str, ...] = ()
    note: str = ""


# name and the two characters of the title slip, in the order of the covers' grounds
CATEGORIES = (
    ("党的创新理论", "理论"), ("党章党规党纪", "党章"), ("党史国史", "党史"), ("宪法法律", "宪法"),
    ("基层党建实务", "党建"), ("乡村振兴与实用技术", "乡村"), ("廉政教育", "廉政"), ("综合素养", "素养"),
)  # fmt: skip

DUTIES = DemoLesson(
    "第一讲　党员的义务",
    (
        Page("党员的义务", ("写在党章第三条，一共八项", "正式党员和预备党员的义务相同", "这一讲看框架，再看怎样做到")),
        Page("八项义务管什么", ("学习：理论、知识和本领", "执行：贯彻决议，完成任务", "纪律：守党章党规，守国家法律", "作风：密切联系群众")),
        Page("在村里怎样做到", ("按时参加组织生活", "按月主动交纳党费", "学完一课，在会上说一条体会", "邻里有难处，先去看一看")),
        Page("小结", ("义务不分职务高低", "不清楚的地方，翻开党章第三条", "下一讲：党员的权利")),
    ),
    140,
)  # fmt: skip
RIGHTS = DemoLesson(
    "第二讲　党员的权利",
    (
        Page("党员的权利", ("写在党章第四条，一共八项", "权利和义务是一致的", "这一讲看常用的几项")),
        Page("知情和学习", ("参加党的有关会议", "阅读党的有关文件", "接受党的教育和培训")),
        Page("讨论和建议", ("在会议上参加讨论", "对党的工作提出建议", "对决议有不同意见，可以声明保留")),
        Page("表决和选举", ("有表决权、选举权和被选举权", "预备党员没有这三项，其他权利相同", "不能到会时，按规定请假")),
    ),
    130,
)  # fmt: skip
CONSTITUTION = DemoLesson(
    "第一讲　宪法是根本法",
    (
        Page("宪法是什么", ("国家的根本法", "具有最高的法律效力", "一切法律、法规都不得同宪法相抵触")),
        Page("现行宪法", ("1982 年 12 月 4 日公布施行", "1988、1993、1999、2004、2018 年五次修正", "12 月 4 日是国家宪法日")),
        Page("宪法的结构", ("序言", "第一章　总纲", "第二章　公民的基本权利和义务", "第三章　国家机构", "第四章　国旗、国歌、国徽、首都")),
        Page("和我们的关系", ("办事、说理，先看法律怎样规定", "权利受到侵害，可以申诉、控告", "下一讲：公民的基本权利")),
    ),
    150,
)  # fmt: skip
MEETING = DemoLesson(
    "会前、会中、会后",
    (
        Page("支部党员大会", ("一般每季度召开一次", "支委会、党小组会一般每月一次", "议题提前告诉党员")),
        Page("会前", ("支委会先商量议题", "通知时间、地点和议题", "准备材料，安排好不能到会的同志")),
        Page("会中", ("清点人数，说明应到、实到", "充分讨论以后再表决", "半数以上有表决权的党员到会，才能表决")),
        Page("会后", ("当天整理记录，写清决议", "分工到人，定好时间", "下次会议先说上次的事办得怎样")),
    ),
    130,
)  # fmt: skip
CITRUS = DemoLesson(
    "采果后的三件事",
    (
        Page("采果后的三件事", ("清园：剪病枝，清落果", "施冬肥：有机肥为主，沿滴水线开沟", "涂白：石灰水护树干")),
        Page("常见的虫", ("红蜘蛛：叶面发白，先看叶背", "介壳虫：枝干上的小白点", "潜叶蛾：嫩叶上弯弯的白线")),
        Page("少打药的办法", ("留一些草，给天敌安家", "挂黄板，装杀虫灯", "冬季清园做得好，来年虫口少")),
        Page("用药要记住", ("看标签，按用量", "注意安全间隔期", "空瓶空袋收回，不要丢在地头")),
    ),
    140,
)  # fmt: skip
PHONE = DemoLesson(
    "第一课　字放大，不上当",
    (
        Page("把字放大", ("打开“设置”", "找到“显示”里的“字体大小”", "向右拖，看得清就停")),
        Page("连上网络", ("在家用无线网络，省流量", "名称和密码问家里人", "公共网络里不要付钱")),
        Page("不上当", ("验证码不告诉任何人", "不认识的链接不点", "叫你转账的，先打电话问清楚", "反诈咨询电话 96110")),
    ),
    120,
)  # fmt: skip
AFFAIRS = DemoLesson(
    "村务公开怎么做",
    (
        Page("公开什么", ("村民会议讨论决定的事项", "财务收支、补贴和救助", "工程、土地和集体资产")),
        Page("多久公开一次", ("一般事项至少每季度一次", "财务往来较多的，每月公布收支", "重大事项随时公布")),
        Page("常见的毛病", ("只公布总数，没有明细", "贴在角落，看不清", "有人来问，没有人答")),
        Page("做到三点", ("看得见：村口和微信群都有", "看得懂：写清时间、金额和用处", "问得到：写上联系人和电话")),
    ),
    130,
)  # fmt: skip
DISCIPLINE = DemoLesson(
    "第一讲　六项纪律各管什么",
    (
        Page("六项纪律", ("政治纪律、组织纪律、廉洁纪律", "群众纪律、工作纪律、生活纪律", "现行条例自 2024 年 1 月 1 日起施行")),
        Page("各管什么", ("组织纪律：按规定请示报告", "廉洁纪律：不收不该收的礼金", "群众纪律：办事不拖，收费有据", "工作纪律：职责内的事要管到底")),
        Page("五种处分", ("警告", "严重警告", "撤销党内职务", "留党察看", "开除党籍")),
        Page("身边的例子", ("补助名单没有公示", "集体的钱不入账", "办酒席超过规定不报告", "都能在事前问一句")),
    ),
    130,
)  # fmt: skip
FOUNDING = DemoLesson(
    "从上海到嘉兴",
    (
        Page("1921 年 7 月", ("7 月 23 日，党的第一次全国代表大会开幕", "地点：上海望志路 106 号", "今兴业路 76 号，一座石库门房子")),
        Page("到会的人", ("国内代表 13 人", "代表全国 50 多名党员", "大家从各地坐船、坐车赶来")),
        Page("转到南湖", ("会议受到搜查，不能继续", "最后一天转到浙江嘉兴", "在南湖的一条游船上开完")),
        Page("后来", ("7 月 1 日定为党的纪念日", "上海建有一大纪念馆", "嘉兴建有南湖革命纪念馆")),
    ),
    130,
)  # fmt: skip
SHORT = "这是示例短片，只有几分钟，用来试用网上党校。"

COURSES = (
    DemoCourse("党章导读：义务与权利", "党章党规党纪", "党章党规", "recorded", 100,
               f"对照党章第三条、第四条，说清党员的义务和权利，以及在支部里怎样做到。\n{SHORT}",
               (DUTIES, RIGHTS), True, "published", 41),
    DemoCourse("宪法常识二十讲·第一讲", "宪法法律", "宪法法律", "recorded", 100,
               f"宪法是什么，有哪些章节，和日常办事有什么关系。\n{SHORT}", (CONSTITUTION,), True, "published", 33),
    DemoCourse("怎样开好支部党员大会", "基层党建实务", "党建实务", "recorded", 100,
               f"会前怎样准备，会中怎样讨论和表决，会后怎样落实，适合支部书记和支部委员。\n{SHORT}",
               (MEETING,), False, "published", 26),
    DemoCourse("柑橘病虫害绿色防控", "乡村振兴与实用技术", "乡村振兴", "recorded", 50,
               f"采果以后做哪三件事，常见的虫怎样认，怎样少打药。\n{SHORT}",
               (CITRUS,), False, "published", 19, ("石桥镇党委", "南坪镇党委", "白沙乡党委")),
    DemoCourse("老党员学用智能手机", "综合素养", "综合素养", "micro", 100,
               f"一课一件小事：放大字体，连上网络，防诈骗。\n{SHORT}", (PHONE,), False, "published", 12),
    DemoCourse("党纪学习：六大纪律要点", "党章党规党纪", "党章党规", "recorded", 100,
               f"六项纪律各管什么，处分有哪几种，各举一个身边的例子。\n{SHORT}", (DISCIPLINE,), True, "published", 9),
    DemoCourse("从石库门到南湖：党的创建故事", "党史国史", "党史国史", "film", 50,
               f"从上海到嘉兴南湖，看党的创建经过。\n{SHORT}", (FOUNDING,), True, "published", 5),
    DemoCourse("身边的警示：村务公开怎么做", "廉政教育", "廉政教育", "recorded", 50,
               f"公开什么、多久公开一次、常见的毛病和改法。\n{SHORT}", (AFFAIRS,), False, "in_review", 2),
    DemoCourse("主题党日策划十例", "基层党建实务", "党建实务", "micro", 150,
               "十个做过的主题党日：做了什么，花了多少钱，党员怎么说。",
               tuple(DemoLesson(f"第{n}例") for n in "一二三"), False, "draft", 4),
    DemoCourse("发展党员工作流程图解", "基层党建实务", "党建实务", "recorded", 50,
               "从递交申请到转正，每一步由谁办、要什么材料、时限多长。", (DemoLesson("流程图解"),), False, "draft", 6,
               note="第三步的时限请对照细则核对一遍，改好再送审。"),
    DemoCourse("支部台账规范与常见错误", "基层党建实务", "党建实务", "recorded", 50,
               "会议记录怎样写，常见错误怎样改。", (), False, "draft", 3),
    DemoCourse("听得懂的政策：乡村振兴促进法", "宪法法律", "宪法法律", "audio", 50,
               "把法律条文说成听得懂的话，适合做农活时听。", (DemoLesson("录音"),), False, "draft", 1),
)  # fmt: skip
