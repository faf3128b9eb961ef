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
        says = f"It is no UTF-8 text ({error.reason} at byte {error.start}). Unpack it first, or save it as UTF-8."
        raise click.BadParameter(says, param_hint="FILE") from error
    answer = shop.import_returns(raw=raw, keep_personal_data=keep_personal_data, resume=resume, replace=replace)
    from loopsim.commands.screen import print_json, screen

    if format == "json":
        print_json(answer)
        return
    console = screen()
    console.print(
        f"[ok]✓[/] [key]{answer['imported']} returns[/] of {answer['orders']} orders are in shop {shop.name},"
        f" with {answer['held_units']} units that no other return can take."
    )
    if answer["replaced"]:
        console.print(f"  {answer['replaced']} of them took the place of returns that were there.")
    if keep_personal_data:
        console.print("  People and addresses are as in the file. Keep them out of what you share.")
    else:
        console.print(f"  {answer['people_replaced']} people were replaced by invented ones.")
    if not resume:
        console.print("  [quiet]They stand still: no carrier scans them and none expires. --resume lets them go on.[/]")
