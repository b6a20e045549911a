"""``yinxin roles``: the three administrators. The first security administrator is made here and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from yinxin.commands.console import DIR_HELP, JSON_HELP, opened_context, operator, print_json, print_line, print_table, say

app: Final = typer.Typer(no_args_is_help=True, help="System, security and audit administrators. 系统、安全、审计三员管理。")

Folder = Annotated[Path, typer.Option("--dir", help=DIR_HELP)]
AsJson = Annotated[bool, typer.Option("--json", help=JSON_HELP)]
Holder = Annotated[str, typer.Argument(metavar="HOLDER", help="A client id, or person: and a subject. 应用标识，或 person: 加人员标识。")]
Reason = Annotated[str, typer.Option(help="Why; stands in the audit trail. 事由，记入审计。")]


@app.command("appoint")
def appoint_holder(
    *,
    holder: Holder,
    role: Annotated[str, typer.Option(help="system, security or audit. 角色。")],
    reason: Reason,
    folder: Folder,
    as_json: AsJson = False,
) -> None:
    """Appoint an administrator; nobody holds two roles. 任命管理员，一人一角色。"""
    from service_kit.roles import Role, appoint
    from yinxin.links import holder_check_of, is_bound

    if role not in set(Role):
        raise typer.BadParameter(", ".join(Role), param_hint="--role")
    with opened_context(folder, as_json=as_json) as context:
        at, audit, is_known = context.clock.now(), context.audit, holder_check_of(context)
        context.database.write(
            lambda conn: appoint(
                conn, audit, holder, Role(role), is_bound=is_bound, is_known=is_known, actor=operator(), reason=reason, at=at
            )
        )
    if as_json:
        print_json({"holder": holder, "role": role})
        return
    print_line(say(f"{holder} is the {role} administrator", f"{holder} 已任命为 {role} 管理员"))


@app.command("give")
def give_to_holder(
    *,
    holder: Holder,
    duty: Annotated[str, typer.Option(help="Such as seal-reviewer; a wrong one is told all there are. 职责名称。")],
    reason: Reason,
    folder: Folder,
    as_json: AsJson = False,
) -> None:
    """Give somebody a duty at the console; who has one is no administrator. 分配职责，管理员不得兼任。"""
    from service_kit.duties import give_duty
    from yinxin.duties import DUTIES
    from yinxin.links import holder_check_of

    with opened_context(folder, as_json=as_json) as context:
        at, audit, is_known = context.clock.now(), context.audit, holder_check_of(context)
        context.database.write(
            lambda conn: give_duty(conn, audit, holder, duty, known=DUTIES, is_known=is_known, actor=operator(), reason=reason, at=at)
        )
    if as_json:
        print_json({"holder": holder, "duty": duty})
        return
    print_line(say(f"{holder} has the duty {duty}", f"{holder} 已担任 {DUTIES[duty].title_zh}（{duty}）"))


@app.command("take")
def take_from_holder(
    *,
    holder: Holder,
    duty: Annotated[str, typer.Option(help="Which duty. 职责名称。")],
    reason: Reason,
    folder: Folder,
    as_json: AsJson = False,
) -> None:
    """Take a duty back. 收回职责。"""
    from service_kit.duties import take_duty

    with opened_context(folder, as_json=as_json) as context:
        at, audit = context.clock.now(), context.audit
        had_it = context.database.write(lambda conn: take_duty(conn, audit, holder, duty, actor=operator(), reason=reason, at=at))
    if as_json:
        print_json({"holder": holder, "duty": duty, "taken": had_it})
        return
    print_line(say(f"{holder} has not the duty {duty}", f"{holder} 不担任 {duty}"))


@app.command("dismiss")
def dismiss_holder(*, holder: Holder, reason: Reason, folder: Folder, as_json: AsJson = False) -> None:
    """End an appointment. 免去管理员。"""
    from service_kit.roles import dismiss

    with opened_context(folder, as_json=as_json) as context:
        at, audit = context.clock.now(), context.audit
        had_one = context.database.write(lambda conn: dismiss(conn, audit, holder, actor=operator(), reason=reason, at=at))
    if as_json:
        print_json({"holder": holder, "dismissed": had_one})
        return
    print_line(say(f"{holder} holds no role", f"{holder} 不担任任何角色"))


@app.command("list")
def list_holders(*, folder: Folder, as_json: AsJson = False) -> None:
    """List the administrators. 列出管理员。"""
    from service_kit.roles import list_role_holders

    with opened_context(folder, as_json=as_json) as context, context.database.read() as connection:
        found = list_role_holders(connection)
    if as_json:
        rows = [{"holder": each.holder, "role": each.role.value, "reason": each.reason, "is_altered": each.is_altered} for each in found]
        print_json({"role_holders": rows})
        return
    headings = (say("Holder", "持有者"), say("Role", "角色"), say("By", "任命人"), say("Reason", "事由"))
    print_table(
        headings,
        [
            (each.holder, f"{each.role.value} (ROW_ALTERED)" if each.is_altered else each.role.value, each.appointed_by, each.reason)
            for each in found
        ],
    )
