"""`loopsim import`: a shop filled from what the real API gave."""

from __future__ import annotations

from typing import IO

import click

from loopsim.commands import options
from loopsim.commands.connection import Shop, with_shop


@click.command("import")
@click.argument("file", type=click.File("rb"))
@options.flag("--keep-personal-data", is_flag=True, help="Keep people and addresses as they are in the file.")
@options.flag("--resume", is_flag=True, help="Let open returns go on: carriers scan, labels expire.")
@options.flag("--replace", is_flag=True, help="Replace returns whose ids are there already.")
@options.output
@with_shop
def command(shop: Shop, file: IO[bytes], keep_personal_data: bool, resume: bool, replace: bool, format: str) -> None:
    """Fill a shop from an export of the real list endpoint.

    FILE holds what GET /warehouse/return/list answered: a bare array, or the envelope with pages (- reads standard
    input). People and addresses are replaced by invented ones unless told otherwise. One broken row, and nothing is
    imported.
    """
    try:
        raw = file.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise click.BadParameter(f"{file.name} is not UTF-8 text ({error}).", param_hint="FILE") from error
    answer = shop.import_returns(raw=raw, keep_personal_data=keep_personal_data, resume=resume, replace=replace)
    from loopsim.commands.screen import print_json, screen

    if format == "json":
        print_json(answer)
        return
    console = screen()
    for name, value in answer.items():
        shown = len(value) if isinstance(value, list | dict) else value
        console.print(f"[quiet]{name.replace('_', ' ')}[/]  {shown}")
    console.print(f"\nSee them: [command]loopsim env[/], then GET /warehouse/return/list of shop {shop.name}.")
