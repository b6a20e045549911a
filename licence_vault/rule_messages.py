"""What the rules of licence contents, of the fields of a request and of files of rows are called in Chinese, and the places where they are broken."""

from __future__ import annotations

import re
from typing import Final

from service_kit.rule_texts import register_rules

_PLACES: Final = {
    "holder_name": "持证主体",
    "holder_code": "持证主体代码",
    "holder_code_type": "持证主体代码类型",
    "valid_from": "有效期起始日期",
    "valid_to": "有效期截止日期",
    "issued_on": "颁发日期",
    "number": "证照编号",
    "name": "证照名称",
    "area_code": "行政区划代码",
    "holders": "持证主体",
    "qr": "二维码",
}
_HOLDER: Final = re.compile(r"holders\[(\d+)\]\.(name|code|code_type)")
_FURTHER_HOLDER: Final = re.compile(r"(holder_(?:name|code|code_type))_(\d+)")
_COLUMN: Final = re.compile(r"column (\d+)")

_CONTENTS: Final = (
    (r"required", "必填"),
    (r"required, 长期 for no end", "必填；无截止日期的填“长期”"),
    (r"not an item of the type", "该类型没有此信息项"),
    (r"not a column of this type", "该类型没有此列"),
    (r"in one column only", "同一项不得出现在两列中"),
    (r"at most (\d+) characters", "最多 {0} 个字符"),
    (r"no blanks around it, no control and direction characters", "前后不得有空格，不得含控制字符"),
    (r"one line, without blanks around it, control and direction characters", "应为一行，前后不得有空格，不得含控制字符"),
    (r"an integer", "应为整数"),
    (r"a number", "应为数字"),
    (r"at least (\S+)", "不小于 {0}"),
    (r"at most (\S+)", "不大于 {0}"),
    (r"YYYY-MM-DD", "日期应写作 2026-01-31"),
    (r"YYYY-MM-DD or YYYYMMDD", "日期应写作 2026-01-31 或 20260131"),
    (r"YYYY-MM-DD, YYYYMMDD or 长期", "日期应写作 2026-01-31 或 20260131；无截止日期的填“长期”"),
    (r"one of the choices of the type", "应为该类型所列选项之一"),
    (r"a credit code", "应为有效的统一社会信用代码"),
    (r"a resident identity number", "应为有效的公民身份号码"),
    (r"in capital letters and plain digits, as the document has it", "应与证件一致，使用大写字母和半角数字"),
    (r"consented, duty or entrusted", "应为 consented（本人同意）、duty（依职责）或 entrusted（受委托）"),
    (r"six digits", "应为六位数字"),
    (r"of the form (.+)", "应符合格式 {0}"),
    (r"a code type of GB/T 36903 Annex A", "应为 GB/T 36903 附录 A 的代码类型"),
    (r"the type is for person holders", "此类证照只颁发给自然人"),
    (r"the type is for organisation holders", "此类证照只颁发给法人和其他组织"),
    (r"each holder once", "持证主体不得重复"),
    (r"1 to (\d+) holders", "持证主体应为 1 至 {0} 个"),
    (r"licences of this type have an end", "此类证照须有截止日期"),
    (r"licences of this type have no end", "此类证照没有截止日期，应填“长期”"),
    (r"not before valid_from", "不得早于有效期起始日期"),
    (r"within the longest validity range of the type", "超出该类型最长有效期"),
    (r"not shorter than the shortest validity range of the type", "短于该类型最短有效期"),
    (r"not after today", "不得晚于今天"),
    (r"not before the day of issue: nobody could ever use the licence", "不得早于颁发日期：该证照从未有效"),
    (r"not before (\d{4}-\d\d-\d\d)", "不得早于 {0}"),
    (r"none: the type numbers its licences itself", "该类型自动编号，不得填写"),
    (r"the type leaves it to the issuing authority", "该类型由发证机关编号，必须填写"),
    (r"that of the type: its face shows no other", "应与证照类型名称一致：证面不显示其他名称"),
    (r"fits its place on the face in the smallest letters of the design", "文字过长，证面放不下"),
    (r"the face shows it", "证面须显示此项"),
    (r"characters that a typeface here has", "含有字库中没有的字符"),
)
_FIELDS: Final = (
    (r"(?:needed in every row, missing in row) (\d+)", "每行必填，第 {0} 行缺少"),
    (r"at most (\d+) characters, in row (\d+)", "最多 {0} 个字符（第 {1} 行）"),
    (r"1 to (\d+) characters on one line(?:, without blanks around them)?", "应为一行，1 至 {0} 个字符，前后不得有空格"),
    (r"one line of at most (\d+) characters(?:, without blanks around it)?", "应为一行，最多 {0} 个字符，前后不得有空格"),
    (r"must not be empty", "不得为空"),
    (r"not before the end it has: an extension cuts nothing short", "不得早于现有截止日期：延续不得缩短有效期"),
    (r"later than the end it has, where it begins as before", "起始日期不变时，须晚于现有截止日期"),
    (r"a new end, and nothing else but a new beginning", "延续须填写新的截止日期，除起始日期外不得更改其他内容"),
    (r"not later than today: the version before ends at once", "不得晚于今天：原版本随即失效"),
    (r"the same content once more: change or extend otherwise", "换发、补发时内容应与原证照相同；内容有变请办理变更或延续"),
    (r"something that is to be different", "没有任何变更"),
    (r"in the future, at most (\d+) days from now", "须晚于现在，最长 {0} 天"),
    (r"a time to come, within (\d+) days", "须晚于现在，且在 {0} 天以内"),
    (r"in the future when the copy is made", "制作加注件时须晚于现在"),
    (r"a time with its offset", "时间须带时区"),
    (r"a time that is over", "须为已经过去的时间"),
    (r"the identifier of a seal", "应为印章编号"),
    (r"a seal of this authority", "应为该机构的印章"),
    (r"modes of the type's own sharing rule", "应为该类型共享规则所列的用证方式"),
    (r"how others may use it", "须说明他方可如何使用"),
    (r"one that is not withdrawn yet", "应为尚未作废的密钥"),
    (r"later than the last key of that name begins", "应晚于同名最后一把密钥的启用时间"),
    (r"to be named by whoever acts for more than (\d+) authorities", "代表超过 {0} 个机构的，须指明机构"),
    (r"one of the holders the caller is", "应为调用方本人作为持证主体的一项"),
    (r"a client id, or person: and a subject", "应为应用标识，或“person:”加主体标识"),
    (r"a system that is registered", "应为已登记的应用"),
    (r"where the holder consented or entrusted somebody, and only there", "仅在持证主体同意或委托时填写，且必须填写"),
    (r"that of the type that is changed", "应为所修改类型的代码"),
    (r"somebody else", "不得为本人"),
    (
        r"a person by 111, 414, 511 or 516: nobody signs in by another code type",
        "只能委托个人（代码类型 111、414、511 或 516）：其他类型的代码无人可凭以登录",
    ),
    (r"together with holder_code_type", "须与 holder_code_type 同时填写"),
    (r"GB/T 36904", "应符合 GB/T 36904"),
    (r"pdf, ofd, or both", "应为 pdf、ofd 或两者"),
    (r"pdf or ofd|PDF or OFD", "应为 PDF 或 OFD"),
    (r"a file of rows", "须附上数据文件"),
    (r"csv, xlsx, json", "应为 csv、xlsx 或 json"),
)
_ARCHIVES: Final = (
    (r"a ZIP archive", "须附上 ZIP 压缩包"),
    (r"a whole ZIP archive", "应为完整的 ZIP 压缩包"),
    (
        r"an archive of files, no OFD document itself: that is attached to its licence by itself",
        "这是一个 OFD 文件，不是压缩包：请单独附到其证照",
    ),
    (r"a file at least", "压缩包中没有文件"),
    (r"at most (\d+) entries", "压缩包最多 {0} 个条目（含文件夹）"),
    (r"at most (\d+) files", "压缩包最多 {0} 个文件"),
    (r"one index, files\.csv or files\.xlsx", "只能有一个索引：files.csv 或 files.xlsx"),
    (r"an index of at most (\d+) bytes", "索引最多 {0} 字节"),
    (r"number and file in every row", "索引每行须填写证照编号和文件"),
    (
        r"nothing but its entries, each seen by every reader: pack it anew with a common program",
        "压缩包中有不属于任何条目的内容，不同软件读取结果不一致：请用常用软件重新打包",
    ),
    (r"in an archive whose records agree: pack it anew with a common program", "压缩包对该文件的记录前后不一致：请用常用软件重新打包"),
    (r"not encrypted", "文件已加密：请打包时不设密码"),
    (r"a path within the archive, without a drive or / before it and without \.\.", "路径应在压缩包内，不得以盘符或 / 开头，不得含 .."),
    (r"a path whose folders end with /, not with a backslash", "路径中的文件夹应以 / 分隔，不得用反斜杠"),
    (r"a path of ordinary steps, not too long, without control characters", "路径过长，或含控制字符、空的或“.”的层级"),
    (r"an ordinary file, no link", "应为普通文件，不得为链接"),
    (r"a name of its own, in other letters and another encoding too", "有多个文件同名（含仅大小写或编码不同的）"),
    (r"stored or deflated", "压缩方式不受支持：请用常用软件重新打包"),
    (r"unpacked at most (\d+) times its size", "解压后超过其大小的 {0} 倍"),
    (r"undamaged", "文件已损坏：请重新打包"),
    (r"a name that ends with \.pdf or \.ofd, where there is no index", "没有索引时，文件名应以 .pdf 或 .ofd 结尾"),
    (r"in one row of the index", "索引中有多行指向该文件"),
    (r"one file for each licence", "有多个文件对应同一证照，无法确定应附哪一个"),
    (r"named in the index", "索引中没有该文件"),
    (r"in the archive, where the index says", "压缩包中没有索引所列的该文件"),
    (r"the number or identifier of an imported licence of this issuer and type", "该颁发机构和类型下没有此编号或标识的导入证照"),
    (r"what one imported licence alone goes by", "该编号或标识对应多个导入证照"),
)
_ROW_FILES: Final = (
    (r"a row at least", "文件中没有数据行"),
    (r"at most (\d+) rows", "最多 {0} 行"),
    (r"at most (\d+) lines", "工作表最多 {0} 行（含空行）"),
    (r"at most (\d+) columns", "最多 {0} 列"),
    (r"at most (\d+) cells of (\d+) characters", "每行最多 {0} 格，每格最多 {1} 个字符"),
    (r"at most (\d+) characters in a cell", "单元格最多 {0} 个字符"),
    (r"at most (\d+) bytes unpacked", "解压后最多 {0} 字节"),
    (r"a first line that names each column, once", "首行须列出各列名称，不得重复或为空"),
    (r"no more cells than the first line names", "该行的单元格多于首行所列的列"),
    (r"CSV in UTF-8 or GB 18030", "应为 UTF-8 或 GB 18030 编码的 CSV"),
    (r"UTF-8 throughout: line (\d+) has bytes that are none", "文件是 UTF-8 编码，但第 {0} 行有损坏的字节：请更正该行"),
    (
        r"no text that is another one in GB 18030 than in UTF-8: save it as CSV UTF-8 with the mark that says so, or as a workbook",
        "无法确定文件是 GB 18030 还是 UTF-8 编码：请另存为“CSV UTF-8（带 BOM）”或 XLSX 工作簿",
    ),
    (r"an XLSX workbook", "应为 XLSX 工作簿"),
    (r"lines in their order, each once", "工作表中的行须按顺序，不得重复"),
    (r"each cell once", "单元格不得重复"),
    (
        r"a first sheet that is shown: the rows are read from the first one",
        "第一张工作表被隐藏：数据只从第一张工作表读取，请取消隐藏或调整顺序",
    ),
    (r"parts that unpack to at most (\d+) times their size", "文件中的部件解压后不得超过其大小的 {0} 倍：请将各行复制到新的工作簿"),
    (r"names and formats of a usual size: copy the rows into a new workbook", "名称或格式数据过大：请将各行复制到新的工作簿"),
    (
        r"no more cells than a sheet of so many rows has: copy the rows into a new workbook",
        "单元格或文本过多，超出同样行数的正常表格：请将各行复制到新的工作簿，或分成多个文件",
    ),
    (r"no merged cells: separate them and fill each", "不得有合并单元格：请取消合并并逐格填写"),
    (
        r"no hidden lines with something in them, those behind a filter included",
        "隐藏的行（含被筛选掉的行）中有内容：请取消隐藏，或删除这些行",
    ),
    (r"no hidden columns with something in them", "隐藏的列中有内容：请取消隐藏，或删除该列"),
    (
        r"no formulas whose result is not in the file: save it in an office program, or paste the values",
        "公式的计算结果不在文件中：请用办公软件打开并保存，或改为粘贴数值",
    ),
    (r"no formulas that have come to nothing", "公式结果为错误值：请更正公式，或改为粘贴数值"),
    (r"days that a calendar has", "不是有效日期"),
    (
        r"no numbers of more than (\d+) digits, such as codes: these are cells of texts",
        "超过 {0} 位的数字（如证件号码）末位已丢失：请将单元格设为文本后重新填写",
    ),
    (
        r"no numbers that are shown with other digits, a unit or a sign of money: these are cells of texts",
        "单元格中保存的数字与所见不同（如百分比 15% 存为 0.15、四舍五入、以万元为单位），或显示有单位、货币符号：请将单元格设为文本后重新填写",
    ),
    (
        r"no numbers as 1\.1E\+17, which an office program has made of the digits of a code: the cell is to be one of text, and typed anew",
        "号码已被办公软件变成 1.1E+17 形式，末位已丢失：请将单元格设为文本后重新填写",
    ),
    (
        r"no numbers of more than 15 digits that end in zeros from there on, as office programs leave of a code: one that is so in truth goes into a workbook, as text, or JSON",
        "超过 15 位的号码自第 16 位起全为 0，末位很可能已被办公软件丢失：请重新填写；号码确实如此的，请改用工作簿（文本单元格）或 JSON",
    ),
    (
        r"no texts that are hidden, or shown with something beside them: write in the cell what is to be read",
        '单元格的格式隐藏了文本，或在文本旁另显示内容（如格式 "川"@）：请把应读取的内容直接写入单元格',
    ),
    (
        r"no days and times of which a part alone is shown, as 3月1日 for 3-1: show year, month and day, or make it a cell of text",
        "日期或时间只显示了一部分（如输入 3-1 变成 3月1日、2026-5 变成 2026年5月）：请显示完整年月日，或将单元格设为文本后重新填写",
    ),
    (r"no control characters: type the text of the cell anew", "单元格中含控制字符：请重新填写"),
    (r"a JSON list", "应为 JSON 数组"),
    (r"JSON in UTF-8", "应为 UTF-8 编码的 JSON"),
    (r"JSON", "应为 JSON"),
    (r"nothing behind the list", "数组之后不得有其他内容"),
    (r"objects", "数组的每一项应为对象"),
    (r"a list of holders and an object of fields", "holders 应为数组，fields 应为对象"),
    (r"holders with name, code and code_type", "每个持证主体须有 name、code 和 code_type"),
    (r"no member twice", "对象中的成员不得重复"),
    (r"each name once", "名称不得重复"),
    (r"texts", "各项的值应为文本"),
)
register_rules(*_CONTENTS, *_FIELDS, *_ARCHIVES, *_ROW_FILES)


def place_in(language: str, place: str | None) -> str:
    """A place in the reader's language; the keys of a type's own items stay as they are, for so are the columns called."""
    if place is None or language != "zh":
        return place or ""
    holder, further, column = _HOLDER.fullmatch(place), _FURTHER_HOLDER.fullmatch(place), _COLUMN.fullmatch(place)
    if holder is not None:
        number = int(holder[1])
        return _PLACES[f"holder_{holder[2]}"] + (f"（第 {number + 1} 人）" if number else "")
    if further is not None:
        return f"{_PLACES[further[1]]}（第 {further[2]} 人）"
    if column is not None:
        return f"第 {column[1]} 列"
    return _PLACES.get(place, place)
