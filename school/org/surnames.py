"""Surnames: readings that dictionaries miss, and strokes for the customary order of official lists. Data only."""

from __future__ import annotations

# Readings as a surname (domain: dictionaries choose the common reading).
READINGS = {
    "单": "shan", "仇": "qiu", "解": "xie", "曾": "zeng", "区": "ou", "查": "zha", "朴": "piao", "任": "ren", "华": "hua",
    "翟": "zhai", "覃": "qin", "盖": "ge", "冼": "xian", "缪": "miao", "种": "chong", "黑": "he", "逄": "pang", "员": "yun",
    "乐": "yue", "召": "shao", "晟": "cheng", "卜": "bu", "秘": "bi", "祭": "zhai", "隗": "wei", "繁": "po", "幺": "yao",
    "尉迟": "yu chi", "万俟": "mo qi", "长孙": "zhang sun", "令狐": "ling hu", "单于": "chan yu", "澹台": "tan tai",
    "欧阳": "ou yang", "司马": "si ma", "上官": "shang guan", "诸葛": "zhu ge", "东方": "dong fang", "皇甫": "huang fu",
    "夏侯": "xia hou", "公孙": "gong sun", "慕容": "mu rong", "司徒": "si tu", "宇文": "yu wen", "钟离": "zhong li",
    "端木": "duan mu", "呼延": "hu yan", "南宫": "nan gong", "独孤": "du gu", "赫连": "he lian", "轩辕": "xuan yuan",
}  # fmt: skip
# Strokes of the first sign, by number of strokes.
_BY_STROKES = {
    2: "丁卜刁乜",
    3: "马于万卫幺上",
    4: "王邓方孔毛尹文牛韦尤车木计仇井卞公丰区勾毋长",
    5: "冯卢叶田石白史龙兰申丛左甘包司宁冉边丘古艾乐台东邝仝厉召令",
    6: "刘孙朱许吕任江汤乔安伍毕向邢齐庄祁牟关纪曲成阳阮华吉米池邬宇巩仲衣匡伏农朴仰那",
    7: "李张陈杨吴何宋沈苏余杜汪邹陆邱邵严芦辛谷时肖位闵邸冷花佟应巫沙岑轩员麦芮苍",
    8: "周林罗郑范金孟易武庞季岳苗欧屈单房苑畅苟郎郁卓练竺冼官宗侬郏尚呼",
    9: "赵胡钟姜姚郝侯段贺施洪俞柳祝费项查柏柯饶宫娄郜封荆胥保南种逄冒宣秋祖咸养荀皇独",
    10: "徐高郭唐袁贾夏秦顾钱殷陶倪聂莫涂耿凌席翁桂柴晋奚党谈姬晏栾敖都栗桑卿索晁桓晟秘诸",
    11: "黄梁萧曹阎崔康常龚章梅盛隋戚盖符屠商谌银尉隗鄂巢逯祭",
    12: "谢韩董程傅曾彭蒋温鲁葛焦舒童游覃植景强辜喻黑",
    13: "雷赖路詹靳甄鲍解褚廉简蒙窦鄢蓝虞楚靖鄞蒯",
    14: "蔡谭廖熊翟管裴臧僧蔺慕赫缪谯阚端",
    15: "潘黎樊颜滕稽暴",
    16: "薛霍薄穆燕冀澹融",
    17: "魏戴糜鞠濮濯繁",
    18: "瞿",
    20: "籍",
}  # fmt: skip
STROKES = {sign: number for number, signs in _BY_STROKES.items() for sign in signs}
