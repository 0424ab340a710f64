"""Names, telephones, identity numbers, plates, cards and addresses in words, made unreadable.

Each hidden character becomes one `*`, so that a text keeps its length and a second call changes
nothing. What is no such thing stays as it is: days, case numbers, amounts, codes of areas.
There is no register of names to compare with, and no guessing by a model: a name is taken for one
by the words around it. Own code, because a number is hidden also where its check digit is wrong.
Sources: GB 11643 (identity numbers), ISO/IEC 7812 (cards), GA 36 (plates); PIPL, article 51.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection
from typing import Final

HIDDEN: Final = "*"
# Kept at the beginning and at the end.
KEPT_OF_ID: Final = (3, 4)
KEPT_OF_CARD: Final = (4, 4)
KEPT_OF_PHONE: Final = (3, 4)
# Nobody with an identity number of 15 digits was born before; codes of grids look so otherwise.
EARLIEST_OF_15: Final = 30

PROVINCES: Final = (
    "1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]"  # first two digits of a division's code
)
MONTH_AND_DAY: Final = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
ID_18 = re.compile(
    rf"(?<![0-9])(?:{PROVINCES})\d{{4}}(?:19|20)\d\d{MONTH_AND_DAY}\d{{3}}[\dXx](?![0-9A-Za-z])"
)
ID_15 = re.compile(rf"(?<![0-9])(?:{PROVINCES})\d{{4}}[3-9]\d{MONTH_AND_DAY}\d{{3}}(?![0-9])")
ANY_18 = re.compile(r"(?<![0-9])\d{17}[\dXx](?![0-9A-Za-z])")
CARD = re.compile(r"(?<![0-9])\d(?:[ -]?\d){15,18}(?![0-9])")
# A number longer than any, as of two telephones written without a space.
RUN = re.compile(r"(?<![0-9])\d{20,}(?![0-9])")
CASE_NUMBER = re.compile(r"(?<![0-9])\d{4,6}-\d{8}-[0-9A-Z]{6}(?![0-9A-Z])")
GAP: Final = r"[ .·‐-―-]?"
MOBILE = re.compile(
    r"(?<![0-9])(?:(?:\+|00)?86[ -]?)?(1[3-9]\d"
    rf"(?:{GAP}\d{{4}}{GAP}\d{{4}}|\d{GAP}\d{{3}}{GAP}\d{{4}}|{GAP}\d{{3}}{GAP}\d{{5}}))"
    r"(?![0-9])(?!(?:\.\d{1,2})?[ ]?[元万亿])"
)
LANDLINE = re.compile(r"(?<![0-9])\(?(0\d{2,3})\)?[ -]?(\d{4}[ -]?\d{3,4})(?![0-9-])")
TOLD_PHONE = re.compile(
    r"(?:电话|座机|固话|致电|来电|[Tt]el|TEL)[号码是为.: ]{0,4}(\d{7,8})(?![0-9])"
)
TOLD_ACCOUNT = re.compile(
    r"(?:微信|QQ|qq|支付宝|[Ww]e[Cc]hat)号?(?:[是为: ]{0,3})([A-Za-z0-9_-]{5,20})(?![A-Za-z0-9_-])"
)
MAIL = re.compile(r"(?<![A-Za-z0-9._%+*-])([A-Za-z0-9._%+-]{2,})@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}")
PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Za-hj-np-z]"
    r"[ ·•.-]?([A-HJ-NP-Za-hj-np-z0-9]{4}[挂学警港澳]|[A-HJ-NP-Za-hj-np-z0-9]{5,6})"
    r"(?![A-Za-z0-9])"
)
KEPT_OF_PLATE: Final = 2
FEWEST_DIGITS_OF_PLATE: Final = 3
FEWEST_DIGITS_OF_RUN: Final = 5

HAN: Final = r"[㐀-䶿一-鿿]"
_COMPOUND = """
欧阳 太史 端木 上官 司马 东方 独孤 南宫 万俟 闻人 夏侯 诸葛 尉迟 公羊 赫连 澹台 皇甫 宗政 濮阳
公冶 太叔 申屠 公孙 慕容 仲孙 钟离 长孙 宇文 司徒 鲜于 司空 令狐 呼延 第五 百里 东郭 南门
"""
COMPOUND: Final = frozenset(_COMPOUND.split())
# The hundred most frequent surnames, and others that are met.
FREQUENT: Final = frozenset(
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢"
    "蒋蔡贾丁魏薛叶"
    "阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹"
    "黎易常武乔贺赖龚文"
)
SURNAMES: Final = FREQUENT | frozenset(
    "肖闫褚卫尤施戚柏水窦章云葛奚郎鲁韦昌苗凤花俞柳酆鲍费廉岑滕罗毕安倪齐伍元卜平穆祁伏成"
    "谈茅庞纪舒屈项祝"
    "梅盛刁骆霍虞柯管应宗解宣贲裴翁荀羊惠甄封储靳松井巫焦谷车宓全班仰秋仲伊宫宁仇栾甘祖符"
    "景詹束幸司韶郜蓟"
    "薄印宿怀蒲邰鄂索咸籍卓蔺屠蒙池阴胥能苍双闻莘党翟劳冉桑桂牛边扈燕冀尚农温别庄晏柴瞿充"
    "慕连茹习艾鱼容向"
    "古慎戈庾居衡步都耿满弘匡国寇广禄阙东欧利蔚越隆师巩聂晁勾敖冷辛阚那简饶空沙鞠关查荆游"
    "竺权盖桓公候来占"
    "支芮楼麻苟覃危洪严凌涂兰辜官包左单柒岳路代练邬帅缪芦佘皮时付樊阮洪娄计蓝闵季殷严梁邢祁"
)
# Surnames that are more often a word: taken for a surname only where a name is told for sure.
WORDLIKE: Final = frozenset(
    "都公候来占权关空代游楼边应宿于曾常万方高金时白成安平全明连单别向广利能谈路东支文武花"
    "车水牛石江田温雷包管云元"
    "项景计习简司有师国居农越充党印池双满宁皮苗任符容解古付章终易严危洪隆步官房布贲班井巫"
    "柴桥从后通强海木米油生终"
)
PLAIN: Final = SURNAMES - WORDLIKE
CERTAIN: Final = FREQUENT - WORDLIKE
# Characters that do not stand in a given name: they go on with the sentence.
ONWARD: Final = frozenset(
    "的了在是有和与及或说要去来住到被把给对也都就还没不很将让向从为以于等做想能会可又再只"
    "才却但且如果之其这那"
    "哪什么怎我你他她它们吗呢吧啊呀嘛个位名岁昨今每某因已曾称姓叫找问讲打骂跟用着过得地先女男师老副"
)
# The same, after a surname and one character more: the sentence goes on.
SECOND_ONWARD: Final = ONWARD | frozenset(
    "电手号码证址诉举报反请希联身刚现带跑开养种告经常乱占违家夫妻同擅私强偷倒堆将长总主书"
)
# Words that begin with a surname and are none.
_WORDS = """
高度 高中 高速 高空 高层 张贴 张开 常年 常常 方面 方便 方向 方式 成立 成功 成为 安全 安排 安装
平安 平时 平房 金额 金属 连续 连夜 连接 和谐 全部 全体 全家 全天 毛病 水管 水沟 水泥 水库 水电
水井 水表 白天 白色 黄昏 黄色 明天 时间 时候 时常 于是 万元 万分 万一 单位 单独 单元 国家 国道
应该 应当 石头 石子 马上 马路 牛羊 车辆 车主 车位 车子 车间 花园 花草 花坛 田地 田间 田里 江边
江水 温度 温泉 曾经 边上 包括 包围 管理 管道 路边 路口 路面 路灯 路过 柴油 程度 计划 计算 毕竟
景区 景点 钟头 项目 强烈 幸好 幸亏 段时 双方 广场 广告 公司 公共 公路 公园 公厕 公交 官方 官员
居民 居住 居委 沙子 沙石 关于 关门 关闭 查看 查处 师傅 东边 东门 东面 利用 利益 简单 空地 空调
古树 古街 池塘 能够 能否 解决 解释 储存 封闭 封路 桥头 游客 游玩 代表 代理 左右 左边 支持 支付
习惯 司机 司法 班车 班主 别人 别墅 都是 都有 充电 燕子 麻烦 何道 何必 陆续 陆地 不详 不明 未知
匿名 保密 同上 没有 党员 党委 农户 农田 农药 农村 印章 松树 井盖 井水 云雾 元旦 元钱 伍佰 文化
文明 文件 武装 任何 任务 夏天 夏季 秋天 秋季 冬天 严重 严格 严禁 危险 危房 危害 洪水 包装 康复
康养 步行 满地 满是 满意 国土 越来 越界 隆起 来电 来访 来信 候车 占用 占地 占道 占据 皮肤 付款
付钱 付费 苗木 苗圃 梅雨 龙头 江里 余下 余款 余额 谢谢 许多 许可 何时 何地 何况 何人 易燃 易爆
段路 雷雨 雷电 钱款 钱财 史料
"""
WORDS: Final = frozenset(_WORDS.split())
PLACE: Final = (
    "村镇乡县市区路街巷弄号楼栋幢店厂院校馆局所科队站社桥山河溪江湖港塘坞坪畈垄湾岭园苑庄寨组室"
)
# Words that end with a surname and are none.
_ENDS = """
感谢 多谢 致谢 道谢 答谢 申谢
"""
ENDS: Final = frozenset(_ENDS.split())
# After these a name follows, mostly.
STRONG = (
    r"我叫|我名叫|名叫|姓名|名字|本人叫|联系人|当事人|举报人|投诉人|反映人|上报人|报案人|报修人|"
    r"申请人|求助人|"
    r"被投诉人|被举报人|户主|负责人|法定代表人|经办人|承租人|房主|监护人|伤者|死者|患者"
)
WEAK = (
    r"我是|本人|这是|他是|她是|叫做|叫|找|村民|居民|业主|户主|房东|租客|租户|邻居|住户|老板|"
    r"老板娘|包工头|司机|"
    r"儿子|女儿|丈夫|妻子|老公|老婆|父亲|母亲|爸爸|妈妈|爷爷|奶奶|外公|外婆|哥哥|姐姐|弟弟|"
    r"妹妹|老人|学生|工人"
)
TITLE = (
    r"先生|女士|小姐|师傅|老师|医生|大爷|大妈|大叔|大伯|大娘|大姐|大哥|阿姨|阿婆|阿公|老伯|"
    r"老人家|同志|同学|"
    r"老板|经理|主任|书记|村长|校长|院长|律师|警官|奶奶|爷爷|叔叔|伯伯|嫂子"
)
TOLD_NAME = re.compile(rf"(?:姓名|名字)[是为]?[: ]{{1,3}}({HAN}{{2,4}})(?!{HAN})")
DOTTED_NAME = re.compile(rf"(?:{STRONG}|{WEAK})[是为叫: ]{{0,3}}({HAN}{{1,8}}(?:·{HAN}{{1,8}})+)")
AFTER_STRONG = re.compile(rf"(?:{STRONG})(?P<sign>[是为叫: ]{{0,3}})(?={HAN})")
AFTER_WEAK = re.compile(rf"(?:{WEAK})[: ]{{0,2}}(?={HAN})")
TITLED = re.compile(TITLE)
BEFORE_TITLE = re.compile(rf"(?={HAN}(?:{TITLE}))")
BEFORE_NUMBER = re.compile(
    rf"(?:^|(?<!{HAN})|(?<=[是找和与]))({HAN}{{2,4}})"
    r"[,， :：(（]{0,2}(?=(?:的)?(?:电话|手机|联系电话|联系方式|身份证)|1[3-9]\d[\d*]{8}(?!\d))"
)
MOST_GIVEN: Final = 2


def mask(text: str, names: Collection[str] = (), phones: Collection[str] = ()) -> str:
    """The text with whatever points to a person hidden: 王**, 138****5678, 浙H·***45.

    names, phones: of somebody who is known, as given; hidden wherever they stand.
    Returns a text of the same length. A second call changes nothing.
    """
    while (masked := _masked(text, names, phones)) != text:
        text = masked
    return masked


def mask_name(name: str) -> str:
    """A name of which the first character stays: 王小明 becomes 王**. White space stays."""
    return _hide(name, {i for i, one in enumerate(name) if not one.isspace()} - {_first(name)})


def mask_phone(phone: str) -> str:
    """A telephone number of which the first three and last four digits stay, fewer if it is short.

    What is no digit stays; a number without digits is hidden but for its first character.
    """
    places = [i for i, one in enumerate(phone) if one.isdecimal()]
    if not places:
        return mask_name(phone)
    digits = "".join(str(int(phone[i])) for i in places)
    if digits.startswith("86") and len(digits) > 11:
        places = places[2:]
    elif digits.startswith("0") and len(digits) > 9:
        return _hide(phone, set(_middle(places, 4, 2)))
    return _hide(phone, set(_middle(places, *_kept_of_phone(len(places)))))


def _masked(text: str, names: Collection[str], phones: Collection[str]) -> str:
    for phone in phones:
        text = _known(
            text, [one for one in phone if one.isdecimal()], r"[ ()（）.·‐-―-]*", mask_phone
        )
    for name in names:
        text = _known(text, [one for one in name if not one.isspace()], r"\s*", mask_name)
    for rule in RULES:
        text = _hide(text, rule(_seen(text)))
    return text


def _seen(text: str) -> str:
    """The text for comparing, character for character: full-width digits as plain ones."""
    if text.isascii():
        return text
    return "".join(_plain(one) for one in text)


def _plain(one: str) -> str:
    if one < "\x80" or "一" <= one <= "鿿":
        return one
    plain = unicodedata.normalize("NFKC", one)
    return plain if len(plain) == 1 else one


def _hide(text: str, places: Collection[int]) -> str:
    if not places:
        return text
    return "".join(HIDDEN if i in places else one for i, one in enumerate(text))


def _first(name: str) -> int:
    return next((i for i, one in enumerate(name) if not one.isspace()), 0)


def _known(text: str, said: list[str], between: str, hide: Callable[[str], str]) -> str:
    """The text with something known hidden, however it is spaced."""
    if len(said) < 2:
        return text
    return re.sub(between.join(map(re.escape, said)), lambda found: hide(found[0]), text)


def _middle(places: list[int], first: int, last: int) -> list[int]:
    return places[first : len(places) - last]


def _kept_of_phone(digits: int) -> tuple[int, int]:
    if digits >= 11:
        return KEPT_OF_PHONE
    return (2, 2) if digits >= 7 else (1, 0)


def _digits(found: re.Match[str], group: int = 0) -> list[int]:
    begin, end = found.span(group)
    return [i for i in range(begin, end) if found.string[i].isalnum()]


# -- numbers: each rule says which places of a text are hidden ----------------------------------


def _mails(seen: str) -> set[int]:
    return {i for found in MAIL.finditer(seen) for i in range(found.start(1) + 1, found.end(1))}


def _ids(seen: str) -> set[int]:
    found = [*ID_18.finditer(seen), *ID_15.finditer(seen)]
    found += [each for each in ANY_18.finditer(seen) if _is_id_by_check_digit(each[0])]
    return {i for each in found for i in _middle(_digits(each), *KEPT_OF_ID)}


def _is_id_by_check_digit(number: str) -> bool:
    """ISO 7064, MOD 11-2: also where the day of birth makes no sense."""
    if not re.match(PROVINCES, number):
        return False
    value = 0
    for digit in number[:17]:
        value = (value + int(digit)) * 2 % 11
    return "10X98765432"[value % 11] == number[17].upper()


def _cards(seen: str) -> set[int]:
    found = [
        each
        for each in CARD.finditer(seen)
        if (digits := re.sub("[ -]", "", each[0])).startswith("62") or _is_luhn(digits)
        if not CASE_NUMBER.match(seen, each.start())
    ]
    found += RUN.finditer(seen)
    return {i for each in found for i in _middle(_digits(each), *KEPT_OF_CARD)}


def _is_luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(digits))]
    return sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0 and digits.strip("0") != ""


def _mobiles(seen: str) -> set[int]:
    return {
        i for found in MOBILE.finditer(seen) for i in _middle(_digits(found, 1), *KEPT_OF_PHONE)
    }


def _landlines(seen: str) -> set[int]:
    hidden = {
        i
        for found in LANDLINE.finditer(seen)
        if not _is_day(found)
        for i in _middle(_digits(found, 2), 0, 2)
    }
    told = {i for found in TOLD_PHONE.finditer(seen) for i in _middle(_digits(found, 1), 2, 2)}
    return hidden | told


def _is_day(found: re.Match[str]) -> bool:
    """Whether a number after a zero is a day: 0312-20261123 is no telephone."""
    return re.match(rf"(?:19|20)\d\d{MONTH_AND_DAY}$", re.sub("[ -]", "", found[2])) is not None


def _accounts(seen: str) -> set[int]:
    return {
        i
        for found in TOLD_ACCOUNT.finditer(seen)
        if sum(one.isdecimal() for one in found[1]) >= FEWEST_DIGITS_OF_RUN
        or not found[1].isdecimal()
        for i in _middle(_digits(found, 1), 2, 1)
    }


def _plates(seen: str) -> set[int]:
    return {
        i
        for found in PLATE.finditer(seen)
        if sum(one.isdecimal() for one in found[1]) >= FEWEST_DIGITS_OF_PLATE
        for i in _middle(_digits(found, 1), 0, KEPT_OF_PLATE)
    }


# -- names ------------------------------------------------------------------------------------


def _names(seen: str) -> set[int]:
    hidden: set[int] = set()
    for pattern in (TOLD_NAME, DOTTED_NAME):
        for found in pattern.finditer(seen):
            if found[1] not in WORDS and not re.fullmatch(rf"{HAN}某+", found[1]):
                hidden.update(i for i in _digits(found, 1)[1:] if seen[i] != "某")
    for found in AFTER_STRONG.finditer(seen):
        told = found["sign"] or "叫" in found[0]
        hidden.update(_given(seen, found.end(), SURNAMES if told else PLAIN))
    for found in AFTER_WEAK.finditer(seen):
        hidden.update(_given(seen, found.end(), CERTAIN, strict=True))
    for found in BEFORE_TITLE.finditer(seen):
        hidden.update(_given_before(seen, found.start() + 1))
    for found in BEFORE_NUMBER.finditer(seen):
        given = _given(seen, found.start(1), PLAIN)
        if found.end(1) - 1 in given:
            hidden.update(given)
    return hidden


def _given(seen: str, at: int, surnames: Collection[str], *, strict: bool = False) -> list[int]:
    """The places of the given name behind the surname at a place; none when there is no name.

    strict: the name has to end where a word of the sentence or a sign goes on.
    """
    length = 2 if seen[at : at + 2] in COMPOUND else int(seen[at : at + 1] in surnames)
    begin = at + length
    if not length or seen[at : at + 2] in WORDS or TITLED.match(seen, begin):
        return []
    end = begin
    while end < begin + MOST_GIVEN and _is_given(seen, end, first=end == begin):
        end += 1
    goes_on = _is_han(seen, end) and seen[end] not in SECOND_ONWARD
    if strict and goes_on and end - begin == MOST_GIVEN:
        return []
    if end == begin or _is_place(seen, begin, end):
        return []
    return list(range(begin, end))


def _is_han(seen: str, at: int) -> bool:
    return at < len(seen) and re.match(HAN, seen[at]) is not None


def _is_given(seen: str, at: int, *, first: bool) -> bool:
    return _is_han(seen, at) and seen[at] not in (ONWARD if first else SECOND_ONWARD)


def _is_place(seen: str, begin: int, end: int) -> bool:
    """张家村 is no person, nor is 王府井街道: a sign of a place stands in it, or right behind."""
    return any(one in PLACE for one in seen[begin : end + 1])


def _given_before(seen: str, title: int) -> list[int]:
    """The places of the given name in front of a title: 小明 of 王小明先生; none of 王先生."""
    for length in (2, 1):
        begin = title - length
        surname = seen[begin - 1 : begin]
        if begin < 1 or not surname:
            continue
        compound = seen[max(0, begin - 2) : begin] in COMPOUND
        given = seen[begin:title]
        if not (compound or surname in PLAIN) or any(one in ONWARD for one in given):
            continue
        if {surname + given[0], given} & WORDS or any(one in PLACE for one in given):
            continue
        # In 和王先生 the one before the title is the surname, and 和 is a word.
        if given[-1] in FREQUENT and (surname not in FREQUENT or length == MOST_GIVEN):
            continue
        if seen[begin : begin + 2] in COMPOUND or seen[begin - 2 : begin] in ENDS:
            continue
        return list(range(begin, title))
    return []


RULES: Final = (
    _mails,
    _ids,
    _cards,
    _mobiles,
    _landlines,
    _accounts,
    _plates,
    _names,
)
