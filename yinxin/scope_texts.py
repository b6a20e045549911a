"""What a person is told of a scope where he consents to it: what an application could then do in his name, (Chinese, English)."""

from __future__ import annotations

from typing import Final

SCOPE_TEXTS: Final = {
    "account.manage": (
        "创建、修改、停用任何人的账户并签发恢复码",
        "create, change and disable anybody's account, and issue recovery codes",
    ),
    "account.read": ("查看所有人的账户和个人信息", "see everybody's account and personal data"),
    "audit.read": ("查看审计记录", "read the audit trail"),
    "client.manage": ("登记和更改应用", "register and change applications"),
    "client.trust": ("设置应用免授权确认", "let applications ask no consent"),
    "directory.manage": ("维护人员和法人目录，包括密码", "keep the directory of people and organisations, passwords included"),
    "directory.read": ("读取全部人员和法人目录", "read the whole directory of people and organisations"),
    "holder.find": ("按登录名查找权限持有者的姓名", "find who somebody is by his login name"),
    "holder.prove": (
        "查询令牌背后人员的证件号码（供另设的证照服务使用）",
        "ask for the identity numbers behind a token, for a licence vault that runs elsewhere",
    ),
    "identity.decide": ("处理存疑的身份关联", "decide whose an identity in doubt is"),
    "key.manage": ("查看和更换令牌签名密钥", "see and change the keys that sign tokens"),
    "licence.admin": ("管理证照颁发机构", "keep the authorities that issue licences"),
    "licence.credential": ("向证照持有人的钱包签发凭证", "offer licences to their holders' wallets"),
    "licence.define": ("编写证照类型", "write types of licences"),
    "licence.export": ("导出某人的全部证照数据", "export everything that is held on one person"),
    "licence.foreign": ("向其他地区查询证照", "ask other regions for licences"),
    "licence.issue": ("颁发证照并变更其状态", "issue licences and change their state"),
    "licence.own": ("查看您的证照及其使用记录，并为您确认用证", "see your licences and every use of them, and consent to uses"),
    "licence.presentation": ("请求持有人出示证照", "ask holders to show their licences"),
    "licence.read": ("查看您所代表机构的证照", "see the licences of the authorities you act for"),
    "licence.report": ("向上级平台归集上报证照并对账", "report licences to the region and reconcile with it"),
    "licence.review": ("审核证照类型", "review types of licences"),
    "licence.use": ("使用其他机构颁发的证照", "use licences of other authorities"),
    "me.read": ("查看您在本平台的身份和权限", "see who you are here and what you may do"),
    "roles.manage": ("任免管理员", "appoint and dismiss administrators"),
    "roles.read": ("查看管理员名单", "see who is an administrator"),
    "seal.apply": ("申请和变更印章", "apply for seals and for changes to them"),
    "seal.audit": ("查看您所监督印章的使用记录", "see what was done with the seals you audit"),
    "seal.make": ("制作获批的印章", "make the seals that were approved"),
    "seal.manage": ("管理您名下的印章：冻结、注销、销毁、授权", "manage your seals: freeze, cancel and destroy them, say who may use them"),
    "seal.read": ("查看您有权使用的印章及其使用记录", "see your seals and what was done with them"),
    "seal.review": ("审核印章申请", "review applications for seals"),
    "seal.secure": ("分配印章权限并冻结印章", "give and take powers over seals, and freeze them"),
    "seal.use": ("使用您被授权的印章签章", "seal documents with the seals you were granted"),
    "system.read": ("查看系统运行状况", "see how the system does"),
    "token.introspect": ("查询他人令牌的有效性", "ask what tokens of others are worth"),
    "webhook.manage": ("管理事件推送", "manage where events are sent"),
}
