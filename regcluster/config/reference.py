"""The settings reference as Markdown, written from the settings classes themselves.

``docs/settings.md`` is what ``regcluster check --reference`` prints, and a test keeps the two
equal. The sentence under each field is read from the source, since Python forgets it at run time.
"""

import ast
import inspect

from regcluster.config import settings
from regcluster.config.fields import SECTIONS, fields_in
from regcluster.config.reload import is_changeable
from regcluster.config.settings import Settings
from regcluster.config.values import allowed, shown

INTRODUCTION = """\
# Settings

<!-- Written by `regcluster check --reference`; change the settings classes, not this file. -->

Every setting has a default, so a node runs without any file. A value is looked for in this order,
and the last one found wins:

1. the default below;
2. the file: `--config FILE`, else `REGCLUSTER_CONFIG`, else `./regcluster.toml`, else
   `/etc/regcluster/regcluster.toml`, whichever is there first;
3. the environment: `REGCLUSTER_REGISTRAR__MAX_CONTACTS=5` sets `registrar.max_contacts`
   (section and key joined by two underscores);
4. the command line: `--set registrar.max_contacts=5`, as often as needed.

In the environment and on the command line a list is separated by commas
(`REGCLUSTER_LISTEN__UDP=10.0.0.1:5060,[::1]:5060`) or written as in TOML. An unknown name, a wrong
type or an impossible value stops the start, and all of them are told at once. `regcluster check`
does that alone, and `regcluster check --print` writes every value with its origin as a TOML file;
passwords are shown as `***` there, as everywhere. `regcluster check --schema` writes a JSON schema,
by which editors complete and check such a file while it is written.

Where the last column says *SIGHUP*, a running node takes up a new value on that signal; the others
need a restart.

## Changing a running node

`regcluster set registrar.max_contacts=5` changes such a setting in a node that runs on the same
machine, for the same user, without any file. It is checked as at a start, several values together
or none of them; when the verb returns, all workers of that node go by it. Other nodes of a cluster
are not told. It lies over the files and the command line of the node: a SIGHUP leaves it as it is,
a restart gives it up. `regcluster set` without arguments shows what was changed so,
`--reset registrar.max_contacts` takes one value back and `--reset` alone all of them. Where several
nodes run, `--node` names one, by name or by process.

## Coming from Kamailio

`regcluster import kamailio.cfg --output regcluster.toml` writes settings from the `modparam` lines
for the modules `registrar` and `usrloc`. Parameters keep their names; those of `usrloc` are in
`[location]`. What has no place here is told with its line and the reason, also as comments in the
file. Files that the configuration includes are not read, nor are expressions.
"""


def render() -> str:
    """The whole reference."""
    meanings = sentences()
    return "\n".join([INTRODUCTION, *[_section(section, meanings) for section in SECTIONS]])


def sentences() -> dict[str, str]:
    """What the sentence under each field says, by key; empty where there is none."""
    classes = {
        node.name: node
        for node in ast.parse(inspect.getsource(settings)).body
        if isinstance(node, ast.ClassDef)
    }
    return {
        f"{section}.{name}": text
        for section in SECTIONS
        for name, text in _field_sentences(classes[class_of(section).__name__]).items()
    }


def _section(section: str, meanings: dict[str, str]) -> str:
    rows = [
        f"| `{field.name}` | `{shown(field.default)}` | {allowed(field)} "
        f"| {meanings[field.key]} | {'SIGHUP' if is_changeable(field) else 'restart'} |"
        for field in fields_in(section)
    ]
    head = [
        f"## [{section}]",
        "",
        inspect.getdoc(class_of(section)) or "",
        "",
        "| setting | default | allowed | meaning | change |",
        "|---|---|---|---|---|",
    ]
    return plain("\n".join([*head, *rows, ""]))


def class_of(section: str) -> type:
    """The class of a section's settings."""
    found: type = type(getattr(Settings(), section))
    return found


def _field_sentences(node: ast.ClassDef) -> dict[str, str]:
    """The string that follows each annotated name in a class body."""
    found = {}
    for statement, after in zip(node.body, [*node.body[1:], None], strict=True):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            found[statement.target.id] = _text(after)
    return found


def _text(node: ast.stmt | None) -> str:
    match node:
        case ast.Expr(value=ast.Constant(value=str(text))):
            return " ".join(text.split())
    return ""


def plain(text: str) -> str:
    """``text`` for readers: docstrings mark code with two backticks, Markdown with one."""
    return text.replace("``", "`")
