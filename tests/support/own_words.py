"""What a source says to people by itself, past the catalogues. Each finder returns what it found, ready to be shown."""

import ast
import builtins
import re
from collections.abc import Set as AbstractSet

_MARKED = "àáạảãâầấậẩẫăằắặẳẵèéẹẻẽêềếệểễìíịỉĩòóọỏõôồốộổỗơờớợởỡùúụủũưừứựửữỳýỵỷỹđ"
VIETNAMESE = re.compile(f"[{_MARKED}{_MARKED.upper()}]")
WORD = re.compile(r"[^\W\d_]{2}")
READ_OUT = re.compile(
    r"aria-(?:label|description|roledescription|valuetext|placeholder)|title|alt|placeholder|label|summary"
    r"|data-(?:text-[\w-]+|hold|label|remove|drawn|close|kept|attribution)"
)
"""Attributes that people read or hear, whatever is written in them."""
_ATTRIBUTE = re.compile(r'(?<![\w-])([a-z][\w-]*)="([^"]*)"')
_SENTENCE = re.compile(r"[^\W\d_]\s+[^\W\d_]|[^\x00-\x7f]|^[A-Z][a-z]")
"""What no switch or address looks like."""


def in_python(source: str) -> list[str]:
    """Literals in Vietnamese, and sentences that no catalogue can know since they are put together first."""
    tree = ast.parse(source)
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in prose and VIETNAMESE.search(text):
                found.append(text)
            case ast.Call(func=ast.Name(id="Text" | "_" | "t"), args=[ast.JoinedStr() | ast.BinOp() as made, *_]):
                found.append(ast.unparse(made))
    return found


def english_in_python(source: str, refusals: AbstractSet[str] = frozenset(), *, page: bool = False) -> list[str]:
    """English that no catalogue knows, where people read it.

    That is in what a refusal or a letter says and in what fills a sentence of the catalogues; in a `page` wherever it
    stands, but for what programmers and machines read.
    """
    tree = ast.parse(source)
    nodes = list(ast.walk(tree))
    known = {id(node.args[at]) for node in nodes if isinstance(node, ast.Call) for at in _translated(node)}
    unread = {id(each) for node in nodes for part in _unread(node) for each in ast.walk(part)}
    read = [tree] if page else [part for node in nodes for part in _said(node, {*refusals, "FieldError", "Letter"})]
    found = set()
    for node in (each for part in read for each in ast.walk(part)):
        if isinstance(node, ast.JoinedStr):
            pieces = [each for each in node.values if isinstance(each, ast.Constant)]
            found |= {(each.lineno, str(each.value)) for each in pieces if _PIECE.search(str(each.value))}
            known |= set(map(id, pieces))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in known | unread:
            found |= {(node.lineno, node.value)} if _SAYING.search(node.value) else set()
    return [text for _line, text in sorted(found)]


_SAYING = re.compile(r"[^\W\d_]{2}[,.:;!?]? +[^\W\d_]|^[A-Z][a-z]+[.!?]?$")
"""Words with blanks between them, or one that begins as a sentence does."""
_PIECE = re.compile(r"(?:^|\s)[^\W\d_]{2,}[,.:;!?]?\s|\s[^\W\d_]{2,}[,.:;!?]?$")
"""A word between the values of an f-string, with a blank beside it."""
_CATALOGUED = {"Text": 1, "_": 1, "t": 1, "gettext": 1, "ngettext": 2, "count": 2, "both": 2}
"""What looks sentences up, and how many of its arguments are sentences."""


def _name(called: ast.expr) -> str:
    return called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""


def _translated(call: ast.Call) -> range:
    return range(min(len(call.args), _CATALOGUED.get(_name(call.func), 0)))


def _unread(node: ast.AST) -> list[ast.AST]:
    """What programmers and machines read: notes, types, Python's own errors, headers."""
    match node:
        case ast.Expr(value=ast.Constant() as note):
            return [note]
        case ast.AnnAssign(annotation=type_) | ast.arg(annotation=ast.expr() as type_):
            return [type_]
        case ast.FunctionDef(returns=ast.expr() as type_) | ast.AsyncFunctionDef(returns=ast.expr() as type_):
            return [type_]
        case ast.Raise(exc=ast.Call(func=ast.Name(id=name)) as error) if hasattr(builtins, name):
            return [error]
        case ast.keyword(arg="headers" | "media_type" | "summary" | "description") | ast.Subscript():
            return [node]
    return []


def _said(node: ast.AST, speaking: AbstractSet[str]) -> list[ast.AST]:
    """What a node says to people."""
    match node:
        case ast.Call(func=ast.Attribute(value=owner, attr="field")) if _name(owner) in speaking:
            return [*node.args[1:], *node.keywords]
        case ast.Call(func=called) if _name(called) == "FieldError":
            return [*node.args[1:], *node.keywords]
        case ast.Call(func=called) if _name(called) in speaking:
            return [*node.args, *node.keywords]
        case ast.Call() if _translated(node):
            return [*node.args[len(_translated(node)) :], *node.keywords]
        case ast.ClassDef(bases=bases) if speaking & set(map(_name, bases)):
            return [each for each in node.body if isinstance(each, (ast.Assign, ast.AnnAssign))]
    return []


def in_template(source: str) -> list[str]:
    """Words of a template outside the catalogues: between tags, and in attributes that people read or hear."""
    source = re.sub(r"\{#.*?#\}", "", source, flags=re.DOTALL)
    said = [text for block in re.findall(r"\{%(.*?)%\}", source, re.DOTALL) for text in _bare_literals(block)]
    bare = re.sub(r"\{%.*?%\}", "\0", source, flags=re.DOTALL)
    bare = re.sub(r"\{\{(.*?)\}\}", lambda found: f"\0{' '.join(_bare_literals(found[1]))}\0", bare, flags=re.DOTALL)
    hidden = re.sub(r"<(script|style)\b.*?</\1>", "", bare, flags=re.DOTALL)
    texts = [text.strip(" \n\0·–") for text in re.sub(r"<[^>]*>", "\n", hidden).split("\n")]
    spoken = [text for text in texts if re.search(r"\w", text)]
    for name, value in _ATTRIBUTE.findall(bare):
        text = value.strip("\0 ")
        if WORD.search(text) if READ_OUT.fullmatch(name) else name.startswith("data-") and _SENTENCE.search(text):
            spoken.append(text)
    return spoken + [text for text in said if VIETNAMESE.search(text)]


_JS_TOKEN = re.compile(r"""//[^\n]*|/\*.*?\*/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`""", re.DOTALL)
_JS_SHOWN = re.compile(
    r"\b(?:textContent|innerText|innerHTML|outerHTML|ariaLabel|ariaDescription|title|placeholder|alt)\s*"
    r"(?:\+?=(?!=)(?P<set>[^;]*)|:(?P<given>[^,}]*))"
    r"|\b(?:alert|confirm|prompt|append|prepend|replaceChildren|createTextNode)\((?P<said>[^;]*)"
)
_JS_NAMED = re.compile(r"\.setAttribute\(\s*§(\d+)§\s*,(?P<rest>[^;]*)\)")


def in_script(source: str) -> list[str]:
    """Literals of a script that reach people: in Vietnamese, or put where they are seen or heard."""
    literals: list[str] = []

    def kept(token: re.Match[str]) -> str:
        if token[0].startswith(("//", "/*")):
            return " "
        literals.append(re.sub(r"\$\{[^}]*\}", "", token[0][1:-1]))
        return f"§{len(literals) - 1}§"

    code = _JS_TOKEN.sub(kept, source)
    shown = [found["set"] or found["given"] or found["said"] or "" for found in _JS_SHOWN.finditer(code)]
    shown += [found["rest"] for found in _JS_NAMED.finditer(code) if READ_OUT.fullmatch(literals[int(found[1])])]
    said = [literals[int(number)] for text in shown for number in re.findall(r"§(\d+)§", _without_calls(text))]
    return [text for text in said if WORD.search(text)] + [text for text in literals if VIETNAMESE.search(text)]


def _bare_literals(expression: str) -> list[str]:
    """What an expression of a template would say itself: not what it hands on, nor what it compares with."""
    literals: list[str] = []

    def kept(token: re.Match[str]) -> str:
        literals.append(token[0][1:-1])
        return f"§{len(literals) - 1}§"

    code = re.sub(r"\"[^\"]*\"|'[^']*'", kept, expression)
    code = re.sub(r"(?:[!=]=|\bin\b)\s*(?:§\d+§)?", "", _without_calls(code))
    said = [literals[int(number)] for number in re.findall(r"§(\d+)§", code)]
    return [] if "xmlattr" in code else [re.sub(r"%\d*[ds]", "", text) for text in said if "=" not in text]


def _without_calls(code: str) -> str:
    """Code without what stands between the brackets of calls and keys: that is handed on."""
    inner = re.compile(r"(?<=[\w\])])(?:\([^()\[\]]*\)|\[[^()\[\]]*\])")
    while (shorter := inner.sub("", code)) != code:
        code = shorter
    return code
