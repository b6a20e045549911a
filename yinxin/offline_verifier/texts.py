"""What the page of the offline verifier says beyond the verification page: (Chinese, English)."""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, tuple[str, str]]] = {
    "offline_service": ("印信 · 离线核验", "Yinxin · Offline verifier"),
    "offline_type": ("大字 Aa", "Large Aa"),
    "offline_page_title": ("离线核验电子签章文件和电子证照", "Verify sealed files and licences offline"),
    "offline_page_lead": (
        "全部在本机完成：不联网，不上传，不保存。",
        "All of it happens on this computer: no network, nothing uploaded, nothing kept.",
    ),
    "offline_file_kinds": (
        "PDF、OFD、印章文件、凭证文本，可一次选择多个；信任数据包也可单独拖到这里",
        "PDF, OFD, seal files, credentials; several at once. The trust bundle may be dropped here too, by itself.",
    ),
    "offline_code_title": ("二维码内容或凭证文本", "A code or a credential as text"),
    "offline_code_label": ("二维码中的地址，或凭证文本", "The address in a licence's QR code, or a credential as text"),
    "offline_honest": (
        "印章或证照其后是否停用，只能按信任数据包的日期判断；需要最新状态时请在线核验。本文件的摘要由发布方公布，请核对。",
        "Later endings of seals and licences are not known here: verify online for those. Compare this file's digest with its provider's.",
    ),
    "m_changed": ("文件内容与盖章时不同，请不要采信。", "The content differs from what was sealed. Do not rely on it."),
    "bundle_title": ("信任数据包：信任谁、哪些已失效", "Trust bundle: whom to trust, what has ended"),
    "bundle_choose": ("选择信任数据包（JSON）", "Choose a trust bundle (JSON)"),
    "bundle_none": ("还没有信任数据包", "No trust bundle yet"),
    "bundle_none_means": (
        "现在只能查出文件是否被改动，不能核实盖章者身份，因此不会得出“有效”。请从发布方取得信任数据包。",
        "Changes can be found, but nobody's identity can be verified, so nothing will be called valid. Get the bundle from its provider.",
    ),
    "bundle_none_here": ("没有信任数据包。", "No trust bundle."),
    "bundle_refused": ("信任数据包不可用，没有采用", "The trust bundle is not usable and was not taken"),
    "bundle_among_files": (
        "与待核验文件一起给出的数据包可能来自送件人：只有单独给出，或由同一密钥签发且不旧于现用的，才会采用。如确信其来源，请在此处选择它。",
        "A bundle among files may be their sender's: it is taken only alone, or if newer and by the same key. Else choose it here.",
    ),
    "bundle_known": ("已采用：{name}", "Taken: {name}"),
    "bundle_unnamed": ("未命名", "unnamed"),
    "bundle_age": ("状态截至 {at}（北京时间），已过 {days} 天", "Statuses as of {at} (Beijing time), {days} days ago"),
    "bundle_until": ("有效至", "Counts until"),
    "bundle_key": ("签发密钥摘要 SM3（{algorithm}）", "SM3 of the signing key ({algorithm})"),
    "bundle_compare": (
        "请将密钥摘要与发布方另行公布的核对：数据包不能证明自己。",
        "Compare the key's digest with what its provider publishes elsewhere: a bundle cannot vouch for itself.",
    ),
    "bundle_unsigned": (
        "这是未签名的信任列表：其来源由您判断。",
        "This is a trust list without a signature: where it comes from is for you to judge.",
    ),
    "bundle_undated": ("信任列表没有注明日期，无法知道有多旧", "The trust list bears no date: nobody knows how old it is"),
    "bundle_expired": (
        "信任数据包已于 {at}（北京时间）过期：请取得新的，此前不会得出“有效”",
        "The trust bundle ended at {at} (Beijing time): get a new one. Nothing is called valid until then.",
    ),
    "bundle_future": (
        "信任数据包的日期在本机时间之后：请校正电脑时钟",
        "The trust bundle is dated after this computer's clock: correct the clock.",
    ),
}
