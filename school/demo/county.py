"""The fictional county 青禾县: its committees and branches, and the characters whose cases the school must get right.

The area prefix 99 and phone numbers beginning with 100 belong to nobody; names are solar terms. Data only.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from school.core.person import Role
from school.org.models import MemberCategory, OrgType

CODE = "990102"
NAME = "青禾县"


@dataclass(frozen=True)
class Branch:
    """A branch with its members; a general branch has branches below instead, a branch may have groups."""

    name: str
    members: int = 0
    below: tuple[Branch, ...] = ()
    groups: tuple[str, ...] = ()
    work: str = "village"  # what its members do: a key of people.JOBS


@dataclass(frozen=True)
class Committee:
    """A committee right below the county. `full` is its name as on the seal, `place` what its branches' names begin with."""

    short_name: str
    full: str
    place: str
    branches: tuple[Branch, ...]
    kind: OrgType = OrgType.COMMITTEE


def _town(name: str, *branches: Branch) -> Committee:
    return Committee(f"{name}党委", f"中共青禾县{name}委员会", f"青禾县{name}", branches)


WORK = OrgType.WORK_COMMITTEE
COMMITTEES = (
    Committee("县委直属机关工委", "中共青禾县委直属机关工作委员会", "青禾县", (
        Branch("县委办公室支部", 22, work="office"), Branch("县财政局支部", 24, work="office"),
        Branch("县农业农村局支部", 27, work="office"), Branch("县委党校支部", 23, work="school"),
    ), WORK),
    Committee("县委教育工委", "中共青禾县委教育工作委员会", "青禾县", (
        Branch("青禾一中支部", 32, work="school"), Branch("县实验小学支部", 27, work="school"),
        Branch("县职业技术学校支部", 25, work="school"),
    ), WORK),
    Committee("县委两新工委", "中共青禾县委新经济组织和新社会组织工作委员会", "青禾县", (
        Branch("青禾果业公司支部", 23, work="company"), Branch("县物流协会联合支部", 19, work="company"),
    ), WORK),
    Committee("城东街道党工委", "中共青禾县城东街道工作委员会", "青禾县城东街道", (
        Branch("城东街道机关支部", 18, work="office"), Branch("东门社区支部", 26, work="town"),
        Branch("柳荫社区支部", 23, work="town"), Branch("新桥社区支部", 21, work="town"),
    ), WORK),
    _town("城关镇",
        Branch("城关社区总支", below=(
            Branch("城关社区第一支部", 21, groups=("第一党小组", "第二党小组"), work="town"),
            Branch("城关社区第二支部", 19, work="town"), Branch("城关社区第三支部", 18, work="town"),
        )),
        Branch("城关镇机关支部", 20, work="office"), Branch("北关村支部", 24),
    ),
    _town("东桥镇", Branch("东桥镇机关支部", 17, work="office"), Branch("桥头村支部", 23), Branch("双龙村支部", 21)),
    _town("西岭镇", Branch("西岭镇机关支部", 15, work="office"), Branch("岭脚村支部", 22), Branch("茶园村支部", 21)),
    _town("南坪镇", Branch("南坪镇机关支部", 16, work="office"), Branch("坪上村支部", 25), Branch("大坝村支部", 23)),
    _town("北河镇", Branch("北河镇机关支部", 15, work="office"), Branch("河口村支部", 22), Branch("沙湾村支部", 20)),
    _town("石桥镇",
        Branch("石桥镇机关支部", 17, work="office"), Branch("河东村支部", 21),
        Branch("河西村支部", 20, groups=("第一党小组", "第二党小组")), Branch("石桥中心小学支部", 15, work="school"),
    ),
    _town("柳溪镇", Branch("柳溪镇机关支部", 14, work="office"), Branch("柳溪村支部", 18), Branch("上湾村支部", 17)),
    _town("枫林镇", Branch("枫林镇机关支部", 15, work="office"), Branch("枫树村支部", 19), Branch("红土村支部", 18)),
    _town("双塘镇", Branch("双塘镇机关支部", 16, work="office"), Branch("大塘村支部", 20), Branch("小塘村支部", 19)),
    _town("竹坞乡", Branch("竹坞乡机关支部", 17, work="office"), Branch("竹坞村支部", 21)),
    _town("云台乡", Branch("云台乡机关支部", 16, work="office"), Branch("云台村支部", 20)),
    _town("白沙乡", Branch("白沙乡机关支部", 13, work="office"), Branch("白沙村支部", 17), Branch("渡口村支部", 15)),
)  # fmt: skip


@dataclass(frozen=True)
class Character:
    """A named person with a case. `born` is years before this one; `facts` are further columns of Member."""

    name: str
    branch: str
    born: int
    gender: int
    login: str
    duty: str = ""  # what to try with this account; words for the command line
    category: MemberCategory = MemberCategory.FULL
    facts: dict[str, object] = field(default_factory=dict)
    roles: tuple[tuple[Role, str], ...] = ()  # role and the short name of the organisation


CHARACTERS = (
    Character("周谷雨", "河东村支部", 43, 1, "zhouguyu", "学员：看课、查学时", facts={"job": "村民"}),
    Character("吴白露", "河东村支部", 39, 2, "wubailu", "支部书记：河东村支部的学时", facts={"job": "村委会干部"},
              roles=((Role.BRANCH_SECRETARY, "河东村支部"),)),
    Character("陈立夏", "河西村支部", 26, 2, "chenlixia", category=MemberCategory.PROBATIONARY, facts={"job": "村民"}),
    Character("郑小满", "河东村支部", 78, 1, "zhengxiaoman", facts={"job": "村民", "education": "80", "no_presence_check": True}),
    Character("单知秋", "河西村支部", 34, 1, "shanzhiqiu",
              facts={"job": "企业职工", "floating": True, "flow_to": "外省务工"}),
    Character("孙寒露", "北关村支部", 45, 2, "sunhanlu", facts={"job": "个体经营者"}),
    Character("欧阳清和", "石桥镇机关支部", 41, 1, "ouyangqinghe", facts={"job": "副镇长（乡科级副职）"}),
    Character("李芒种", "河东村支部", 29, 1, "limangzhong", facts={"job": "村民"}),
    Character("赵霜降", "河西村支部", 24, 2, "zhaoshuangjiang", category=MemberCategory.CANDIDATE, facts={"job": "村民"}),
    Character("林知春", "县委党校支部", 47, 2, "linzhichun", "授课教师：上传、发布课程", facts={"job": "教师"},
              roles=((Role.TRAINER, NAME),)),
    Character("王小雪", "石桥中心小学支部", 37, 2, "wangxiaoxue", "助教：和授课教师一起上直播课", facts={"job": "教师"},
              roles=((Role.TRAINER, "石桥镇党委"),)),
    Character("何处暑", "县委党校支部", 52, 1, "hechushu", "内容审核：审核、发布别人的课程", facts={"job": "教师"},
              roles=((Role.REVIEWER, NAME),)),
    Character("马夏至", "石桥镇机关支部", 44, 1, "maxiazhi", "党组织管理员：石桥镇", facts={"job": "公务员"},
              roles=((Role.ORG_ADMIN, "石桥镇党委"),)),
    Character("高立冬", "县委办公室支部", 46, 1, "gaolidong", "党组织管理员：青禾县", facts={"job": "公务员"},
              roles=((Role.ORG_ADMIN, NAME),)),
)  # fmt: skip

# Somebody who runs the machines and is no member here.
SYSADMIN = ("guodongzhi", "郭冬至", "系统管理员")
