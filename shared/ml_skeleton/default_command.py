"""A group of commands of which one needs no name: `embed | evaluate` beside `evaluate gate`."""

from typing import Any

from typer.core import TyperGroup

WIDEST_SUMMARY = 60
COMPLETION = ("--install-completion", "--show-completion")  # options of the group itself


def commands_with_default(default: str) -> type[TyperGroup]:
    """Return a class of groups whose command `default` runs unless the first argument is another's name.

    A file that bears the name of a command is written ./NAME. The help of the default command lists
    the others. All commands find their group in `context.obj`.
    """

    class CommandsWithDefault(TyperGroup):
        default_command = default

        def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
            first_word_is_typed = not args and extra.get("resilient_parsing")  # the shell asks what it may become
            if first_word_is_typed or (args and (args[0] in self.commands or args[0] in COMPLETION)):
                return super().make_context(info_name, args, parent, obj=self, **extra)
            command = self.commands[default]
            listing = _listing(self, default)
            if listing not in (command.epilog or ""):
                command.epilog = "\n\n".join(filter(None, [listing, command.epilog]))
            return command.make_context(info_name, args, parent, obj=self, **extra)

        def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
            command = self.commands[default]
            with command.make_context(ctx.info_name, [], obj=self, resilient_parsing=True) as alone:
                offered = [*super().shell_complete(ctx, incomplete), *command.shell_complete(alone, incomplete)]
            return list({item.value: item for item in offered}.values())

        def invoke(self, ctx: Any) -> Any:
            return super().invoke(ctx) if ctx.command is self else ctx.command.invoke(ctx)

    return CommandsWithDefault


def _listing(group: TyperGroup, default: str) -> str:
    """Return the commands beside the default one, a line each."""
    others = {name: command for name, command in group.commands.items() if name != default and not command.hidden}
    width = max(map(len, others), default=0)
    lines = [f"  {name:<{width}}  {command.get_short_help_str(WIDEST_SUMMARY)}" for name, command in others.items()]
    return "\n".join(["\b", "Other commands, each with a --help of its own:", *lines])
