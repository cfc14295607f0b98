"""Open answers in Chinese that fit the scores: a clause on the best or worst dimension, and more.

In the clauses ``{v}`` is the verb of the service, ``{s}`` its name, ``{p}`` the product, ``{c}``
the channel, ``{d}`` a small number. A clause that begins with ``*`` tells of a second visit, one
with ``#`` of a repair. The five blocks of a bank are the five dimensions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from csat_stats.simulate.design import CHANNELS, SERVICES, Floats, Ints, blocks

POSITIVE, NEUTRAL, NEGATIVE = "正面", "中性", "负面"
PRODUCTS = ("空调", "冰箱", "洗衣机", "热水器", "油烟机", "燃气灶", "电视", "净水器", "洗碗机")
VERBS = ("装", "修", "保养", "换")
COMPLAINING = blocks("""
响应慢 等待时间长 上门太慢了 打了好几次电话才有人接 {s}等了{d}天才上门 客服回复慢
约好的时间又改，白等一上午 说好{d}小时内联系，结果第二天才来电话 派单太慢，一直催才有动静
报了{d}天都没人管 客服说“马上安排”，等到晚上也没人来 师傅迟到了{d}个小时

师傅不太专业 技术一般 一看就是新手，边打电话边{v} #检查了半天没找到原因 没带够工具
配件型号拿错了 #判断不准，换了没坏的零件 {p}的型号都没弄清楚 {s}手法很生疏
问了{d}个问题，一个都答不上来

态度差 师傅不耐烦 说话冲 讲解敷衍 爱理不理的 进门不穿鞋套，还弄脏了地板 问两句就不高兴
解释不清楚，让我自己看说明书 {v}完就走，一句话都没交代 客服语气很生硬，说"不归我们管"

收费不透明 预约流程太麻烦 收费和电话里说的不一样 没说要收上门费，来了又要{d}0元
配件费太贵，又没有价目表 改约要重新排队 没有发票，也没有收费明细 {c}预约要填一堆信息
收费项目说不清楚 {c}预约总是约满 收了{d}项费用，没有一项解释过

*{v}了两次才好 *来了三趟才弄好 *第一次没{v}好，又约了一次 *{v}了两次，耽误了{d}天
#问题没解决 没过几天就出毛病了 {v}完还是有异响 #同一个毛病反复出现 用了不到一天就报错
{s}效果不好 #{v}完没几天又坏了 {s}之后声音更大了
""")
PRAISING = blocks("""
响应很快 下单当天就上门了 师傅准时到 打完电话不到半小时就联系我了 上门很及时 约几点就几点到
回复速度快，没怎么等 {c}上一报，{d}分钟就有人联系 比约定时间早到{d}分钟

师傅很专业 #一下就找到了问题 技术过硬 经验丰富，手脚麻利 #判断准确，没乱换零件 {v}得很细致
懂行，问什么都答得上来 对{p}很熟，不到{d}0分钟就{v}好了

态度好 师傅很有礼貌 耐心讲解{p}怎么用 进门主动穿鞋套 服务热情 走时还把地面收拾干净
老人问了{d}遍也不嫌烦 讲解很仔细 师傅人很和气

收费透明 预约方便 价格表给我看了再动手 {c}预约很方便 流程清楚，每一步都有短信提醒
没有乱收费 费用和报价一致 改了{d}次时间也没嫌麻烦

一次就{v}好了 {v}完用着很稳定 #问题彻底解决了 这几天没再出毛病 效果满意 #{p}跟新的一样
当场试机没问题 {s}质量不错
""")
ADVICE = blocks("""
希望能快一点 建议加派人手 早点派单就好了

建议加强培训 希望派有经验的师傅 多带点常用配件吧

希望改善服务态度 多点耐心吧 请管管服务态度

建议明码标价 希望流程简单些 收费前先说清楚

希望一次{v}好 请尽快处理 希望回访跟进
""")
(APPROVAL,) = blocks("""
很满意 比预期好 比上次好多了 大品牌就是放心 全家都满意 整体不错
""")
(PLAIN,) = blocks("""
总体还行 中规中矩 一般般 没什么特别的 还可以吧 和预期差不多 {s}正常 还行，没什么建议
{p}{s}整体还可以 {c}下的单，过程还算顺利 {s}花了{d}个小时，一般 {p}目前能用
""")
(OPENING,) = blocks("""
{p}{s}， 这次{p}{s}， 家里{p}要{s}， 第{d}次用你们的售后， {c}下的单， 年前买的{p}，
老房子的{p}， {p}在保修期内， 周末约的{s}， 在{c}约的{p}{s}， 给父母家{p}{s}， 新房{p}{s}，
""")
CLOSING = dict(
    zip(
        (POSITIVE, NEGATIVE),
        blocks("""
点赞 会推荐给朋友 继续保持 师傅辛苦了 五星好评 谢谢 下次还买你们家

差评 太失望了 很生气 希望改进 不想再买了 体验不好 有点后悔
"""),
        strict=True,
    )
)
EMOJI = {POSITIVE: ("👍", "😊", "🌹", "😄"), NEGATIVE: ("😡", "👎", "😤", "😞")}


def remarks(
    rng: np.random.Generator,
    scores: Floats,
    overall: Ints,
    service: Ints,
    channel: Ints,
    fixed: npt.NDArray[np.bool_],
) -> tuple[list[str | None], Ints, list[str]]:
    """Open answers (``None``: not filled in), the dimension each is about (or −1), its tone."""
    worst, best = scores.argmin(axis=1), scores.argmax(axis=1)
    unhappy = scores.min(axis=1) <= 2.5
    draws = rng.random((len(scores), 16))
    texts: list[str | None] = []
    about = np.full(len(scores), -1)
    tones: list[str] = []
    for i, draw in enumerate(draws):
        negative = bool(unhappy[i] and (overall[i] <= 3 or draw[0] < 0.5))
        positive = not negative and overall[i] >= 4
        if draw[1] >= 0.395 + 0.15 * negative:
            texts.append(None)
            tones.append("")
            continue
        tone = NEGATIVE if negative else POSITIVE if positive else NEUTRAL
        if tone != NEUTRAL:
            about[i] = worst[i] if negative else best[i]
        pattern = _pattern(tone, int(about[i]), _allowed(bool(fixed[i]), int(service[i])), draw)
        texts.append(
            pattern.format(
                v=VERBS[service[i]],
                s=SERVICES[service[i]],
                c=CHANNELS[channel[i]],
                p=_one(PRODUCTS, draw[14]),
                d=2 + int(draw[15] * 4),
            )
        )
        tones.append(tone)
    return texts, about, tones


def _one(parts: Sequence[str], draw: float) -> str:
    return parts[int(draw * len(parts))]


def _allowed(fixed: bool, service: int) -> str:
    """The marks a clause may carry; one about a second visit is a must where there was one."""
    return ("" if fixed else "*") + ("#" if SERVICES[service] == "维修" else "")


def _pattern(tone: str, about: int, marks: str, draw: Floats) -> str:
    """A sentence with its blanks still open; ``draw`` holds uniform numbers."""
    opening = _one(OPENING, draw[2]) if draw[3] < 0.45 else ""
    end = _one(("。", "", "", "！", "~"), draw[4])
    if tone == NEUTRAL:
        return "无" if draw[5] < 0.05 else opening + _one(PLAIN, draw[6]) + end
    bank = COMPLAINING[about] if tone == NEGATIVE else PRAISING[about]
    second_visit = [part[1:] for part in bank if part[0] == "*" and "*" in marks]
    others = [
        part.lstrip("#") for part in bank if part[0] != "*" and (part[0] != "#" or "#" in marks)
    ]
    clauses = second_visit or others
    first = int(draw[6] * len(clauses))
    parts = [opening + clauses[first]]
    if draw[7] < 0.30 and not second_visit:
        parts.append(clauses[(first + 1 + int(draw[8] * (len(clauses) - 1))) % len(clauses)])
    if draw[9] < 0.30:
        parts.append(_one(ADVICE[about] if tone == NEGATIVE else APPROVAL, draw[10]))
    if draw[11] < 0.35:
        parts.append(_one(CLOSING[tone], draw[8]))
    glue = "\n" if draw[12] < 0.06 else _one(("，", "，", "，", ",", " ", "。"), draw[13])
    emoji = _one(EMOJI[tone], draw[10]) if draw[5] < 0.06 else ""
    return glue.join(dict.fromkeys(parts)) + end + emoji
