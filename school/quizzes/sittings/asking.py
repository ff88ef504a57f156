"""What js/quizzes/question.js and ways.js say, in the reader's language; for every page that asks questions."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _


def words() -> dict[str, Any]:
    return {
        "number": _("第 %(n)s 题", n="%(n)s"),
        "points": _("%(n)s 分", n="%(n)s"),
        "flag": _("标记"),
        "unflag": _("取消标记"),
        "read": _("读题"),
        "stop": _("停止"),
        "kinds": {
            "single": _("单选"),
            "multiple": _("多选"),
            "judge": _("判断"),
            "fill": _("填空"),
            "order": _("排序"),
            "match": _("连线"),
            "short": _("简答"),
        },
        "yes": _("正确"),
        "no": _("错误"),
        "written": _("您的回答"),
        "blank": _("第 %(n)s 空", n="%(n)s"),
        "oneBlank": _("填写"),
        "room": _("已写 %(n)s 字，最多 %(most)s 字", n="%(n)s", most="%(most)s"),
        "orderHint": _("按先后顺序，从第一项起依次点。点错了，再点一下就收回。"),
        "orderAgain": _("重新排"),
        "orderLeft": _("还有 %(n)s 项没有排，排完才保存", n="%(n)s"),
        "orderRight": _("应为第 %(n)s", n="%(n)s"),
        "matchFrom": _("可选的对应项"),
        "matchPick": _("请选择"),
        "check": _("看对错"),
        "rightOne": _("正确答案"),
        "notThis": _("不该选"),
        "found": _("选对了"),
        "missed": _("漏选"),
        "rightPair": _("连对了"),
        "rightIs": _("正确答案：%(text)s", text="%(text)s"),
        "full": _("答对了"),
        "part": _("答对了一部分"),
        "none": _("没有答对"),
        "empty": _("没有作答"),
        "toMark": _("由老师评阅"),
        "uncounted": _("不计分"),
        "compare": _("请对照参考答案，看看自己答得怎样"),
        "earned": _("得 %(n)s 分，满分 %(max)s 分", n="%(n)s", max="%(max)s"),
        "model": _("参考答案："),
        "basis": _("依据：%(text)s", text="%(text)s"),
        "noNetwork": _("现在连不上网，答案存在本机。连上以后自动判。"),
    }


def moment_words() -> dict[str, Any]:
    """Beside them, what js/quizzes/moment.js says over a lesson."""
    return {
        **words(),
        "next": _("下一题"),
        "hand": _("交卷"),
        "on": _("接着看"),
        "later": _("以后再答"),
        "result": _("看成绩"),
        "handed": _("答完了，已经交卷。"),
        "notYet": _("现在连不上网，还没有交上。连上以后请再按一次。"),
    }
