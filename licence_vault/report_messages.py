"""Entries in the error catalogue on other regions: reports to ours, and licences of others."""

from __future__ import annotations

from typing import Final

from service_kit.problem_catalogue import ProblemText, register

TEXTS: Final = (
    ProblemText(
        "LICENCE_FIELD_MAP_MALFORMED",
        "Field map not usable",
        "字段映射不可用",
        "The file that says how licences are reported breaks the rule named in the facts.",
        "归集字段映射文件违反 facts 所示规则。",
        "Correct the file at the place named; docs/reference/reporting.md lists what a map may say.",
        "请按所示位置更正；可用内容见 docs/reference/reporting.md。",
    ),
    ProblemText(
        "LICENCE_REPORT_REFUSED",
        "Report refused by the region",
        "上报被区域平台拒绝",
        "The region's collector read the report and does not take it; the facts name its own code.",
        "区域归集平台已读取上报但未接收；facts 给出其代码。",
        "Settle the cause with the region's operator, then POST /v1/licence-reports/{number}/retry.",
        "请与区域平台运营方解决原因，再调用 POST /v1/licence-reports/{number}/retry。",
    ),
    ProblemText(
        "LICENCE_REPORT_NOT_FOUND",
        "Report not found",
        "未找到上报记录",
        "There is no report of this number.",
        "没有此编号的上报记录。",
        "Look at GET /v1/licence-reports.",
        "请查看 GET /v1/licence-reports。",
    ),
    ProblemText(
        "LICENCE_REPORT_STATE_CONFLICT",
        "Report is not waiting for you",
        "该上报无需重试",
        "Only a report that was given up is sent again by hand.",
        "只有已放弃的上报才能手动重试。",
        "Nothing is to be done; what differs at the region is found and sent again by a reconciliation.",
        "无需处理；与区域平台不一致的记录由对账发现并补报。",
    ),
    ProblemText(
        "LICENCE_COLLECTOR_MISSING",
        "No collector configured",
        "未配置归集平台",
        "The settings name no collector of the region: nothing is reported, and there is nothing to reconcile with.",
        "未配置区域归集平台，不上报，也无法对账。",
        "Set [collector] url (docs/reference/reporting.md).",
        "请设置 [collector] url（见 docs/reference/reporting.md）。",
    ),
    ProblemText(
        "LICENCE_EXCHANGE_MISSING",
        "No exchange configured",
        "未配置跨区域查询",
        "The settings name no exchange by which other regions could be asked for licences.",
        "未配置跨区域证照查询接口。",
        "Set [exchange] url (docs/reference/foreign-licences.md).",
        "请设置 [exchange] url（见 docs/reference/foreign-licences.md）。",
    ),
    ProblemText(
        "LICENCE_REGION_UNKNOWN",
        "Region not known",
        "未知区域",
        "There is no trust list of this region here, so that nothing it says could be verified; it is not asked.",
        "没有该区域的信任列表，无法核验其证照，因此不予查询。",
        "Put its trust list into the folder that exchange.trust_folder names.",
        "请将其信任列表放入 exchange.trust_folder 所指目录。",
    ),
    ProblemText(
        "LICENCE_FOREIGN_NOT_FOUND",
        "Licence not found there",
        "对方区域未找到证照",
        "The other region has no licence of this number and holder.",
        "对方区域没有该标识及持证主体的证照。",
        "Check number, holder and region.",
        "请核对证照标识、持证主体和区域。",
    ),
    ProblemText(
        "LICENCE_FOREIGN_REFUSED",
        "Other region refuses",
        "对方区域拒绝提供",
        "The other region does not give this licence out; the facts name its own code.",
        "对方区域不提供该证照；facts 给出其代码。",
        "Ask the holder for consent anew, or settle the cause with that region.",
        "请重新取得持证主体同意，或与对方区域协商。",
    ),
    ProblemText(
        "REGION_ANSWER_UNTRUSTED",
        "Answer of the regional platform not trusted",
        "区域平台的应答不可信",
        "The answer is not signed by the platform's key, belongs to another request, is of another time, or is about something else.",
        "应答未由平台密钥签名、对应其他请求、时间不符或所述对象不一致。",
        "Check platform_key in the settings of that platform ([region], [collector] or [exchange]) and both clocks. Where the rule is contradiction, reports may have arrived meanwhile: reconcile again once none is waiting. Else somebody stands in between: tell the platform's operator.",
        "请核对该平台设置（[region]、[collector] 或 [exchange]）中的 platform_key 及双方时钟。若 rule 为 contradiction，可能是对账期间有报送到达，请待报送完成后重新对账；否则可能存在中间人，请联系平台运营方。",
    ),
)

register(*TEXTS)
