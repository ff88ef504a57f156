"""Codes of the national standards as words: sex (GB/T 2261.1), ethnic group (GB/T 3304), education (GB/T 4658). Data only."""

from __future__ import annotations

GENDERS = {0: "", 1: "男", 2: "女", 9: ""}

_ETHNICITIES = (
    "汉 蒙古 回 藏 维吾尔 苗 彝 壮 布依 朝鲜 满 侗 瑶 白 土家 哈尼 哈萨克 傣 黎 傈僳 佤 畲 高山 拉祜 水 东乡 纳西 景颇 柯尔克孜 "
    "土 达斡尔 仫佬 羌 布朗 撒拉 毛南 仡佬 锡伯 阿昌 普米 塔吉克 怒 乌孜别克 俄罗斯 鄂温克 德昂 保安 裕固 京 塔塔尔 独龙 鄂伦春 "
    "赫哲 门巴 珞巴 基诺"
)
ETHNICITIES = {f"{number:02}": f"{name}族" for number, name in enumerate(_ETHNICITIES.split(), start=1)}

_EDUCATIONS = {
    "1": "研究生",
    "2": "大学本科",
    "3": "大学专科",
    "4": "中等职业教育",
    "6": "高中",
    "7": "初中",
    "8": "小学",
    "9": "其他",
}


def education(code: str) -> str:
    """学历 of a layered code: the first figure says the level; empty when unknown."""
    return _EDUCATIONS.get(code[:1], "")
