"""The graph of a document: every file that can be reached from ``OFD.xml``, and who refers to it (GB/T 33190-2016 7 to 20).

A reader shows what this walk reaches; what a signature does not cover here can be changed at will. So the walk takes the wider reading
wherever readers differ: every body, every element that is a location in any namespace, and files that another habit of resolving
locations would find. Each part is read once, so cycles end.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from standards.errors import MalformedError
from standards.gbt33190_ofd.limits import (
    MAX_BODIES,
    MAX_REFERRERS,
    MAX_TROUBLES,
    MAX_VERSIONS,
    MAX_XML_BYTES,
    MAX_XML_TOTAL_BYTES,
)
from standards.gbt33190_ofd.locations import BAD_LOCATION, Found, find, folder_of, resolve
from standards.gbt33190_ofd.xml_parts import MALFORMED, NAMESPACE, REFUSED, XmlNode, read_xml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from standards.gbt33190_ofd.container import Container

ENTRY_NAME: Final = "OFD.xml"
ENTRY_MISSING: Final = "OFD_ENTRY_MISSING"
BAD_PATH: Final = "BAD_PATH"
PART_MISSING: Final = "OFD_PART_MISSING"
PART_UNREADABLE: Final = "OFD_PART_UNREADABLE"
PART_REFUSED: Final = "OFD_PART_REFUSED"
LOCATION_VARIANT: Final = "OFD_LOCATION_VARIANT"
NAMESPACE_VARIANT: Final = "OFD_NAMESPACE_VARIANT"
TOO_MANY: Final = "OFD_TOO_MANY_PARTS"
REMEMBERED_TEMPLATES: Final = 64  # documents of one kind share theirs, and it is the largest part of many
REMEMBERED_BYTES: Final = 256 * 1024  # of one template, at most: 16 MB altogether


class Role(StrEnum):
    """What a file is to the document."""

    VERSION = "version"
    DOCUMENT = "document"
    RESOURCES = "resources"
    TEMPLATE = "template"
    PAGE = "page"
    ANNOTATIONS = "annotations"
    ATTACHMENTS = "attachments"
    CUSTOM_TAGS = "custom-tags"
    EXTENSIONS = "extensions"
    CONTENT = "content"  # pictures, fonts, attachments, tags, data: nothing follows from them
    LISTED = "listed"  # a version says that it is one of its files, and nobody shows it for that


@dataclass(frozen=True, slots=True)
class _Rule:
    """``element`` holds a location, in its text or in ``attribute``, of a file in ``role``. ``based``: it starts at the BaseLoc of the part."""

    element: str
    attribute: str | None
    role: Role
    based: bool = False


_PAGE_RULES: Final = (_Rule("PageRes", None, Role.RESOURCES),)
_RULES: Final[dict[Role, tuple[_Rule, ...]]] = {
    Role.VERSION: (_Rule("File", None, Role.LISTED), _Rule("DocRoot", None, Role.DOCUMENT)),
    Role.DOCUMENT: (
        _Rule("PublicRes", None, Role.RESOURCES),
        _Rule("DocumentRes", None, Role.RESOURCES),
        _Rule("TemplatePage", "BaseLoc", Role.TEMPLATE),
        _Rule("Page", "BaseLoc", Role.PAGE),
        _Rule("Annotations", None, Role.ANNOTATIONS),
        _Rule("Attachments", None, Role.ATTACHMENTS),
        _Rule("CustomTags", None, Role.CUSTOM_TAGS),
        _Rule("Extensions", None, Role.EXTENSIONS),
    ),
    Role.RESOURCES: (
        _Rule("FontFile", None, Role.CONTENT, based=True),
        _Rule("MediaFile", None, Role.CONTENT, based=True),
        _Rule("ColorSpace", "Profile", Role.CONTENT, based=True),
    ),
    Role.TEMPLATE: _PAGE_RULES,
    Role.PAGE: _PAGE_RULES,
    Role.ANNOTATIONS: (_Rule("FileLoc", None, Role.CONTENT),),
    Role.ATTACHMENTS: (_Rule("FileLoc", None, Role.CONTENT),),
    Role.CUSTOM_TAGS: (_Rule("FileLoc", None, Role.CONTENT), _Rule("SchemaLoc", None, Role.CONTENT)),
    Role.EXTENSIONS: (_Rule("ExtendData", None, Role.CONTENT),),
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something wrong on the way: ``code``, the file it concerns, who referred to it, and why."""

    code: str
    path: str
    by: str
    reason: str


@dataclass(slots=True)
class Reached:
    """A file that is reached, in the first role it has besides ``LISTED``. ``by`` are the parts that refer to it, the first ones of many."""

    path: str
    role: Role
    by: list[str]


@dataclass(slots=True)
class Body:
    """One document of the file (DocBody). ``reached`` is by name, without ``OFD.xml`` and without the files of signatures.

    ``older`` are files that only versions other than the current one use. ``pages`` gives the part of each page identifier, ``boxes`` its
    physical box in millimetres (x, y, width, height) where one is stated. ``signatures`` are the parts that list signatures.
    """

    index: int
    reached: dict[str, Reached] = field(default_factory=dict)
    older: dict[str, Reached] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)
    boxes: dict[str, tuple[float, float, float, float]] = field(default_factory=dict)
    default_box: tuple[float, float, float, float] | None = None
    unclear_pages: set[str] = field(default_factory=set)  # identifiers that two pages have, and "" for pages without any
    signatures: list[str] = field(default_factory=list)


class Graph:
    """The document graph of a package. Where ``OFD.xml`` cannot be read, ``failure`` says why (``OFD_ENTRY_MISSING`` or of XML)."""

    def __init__(self, container: Container) -> None:
        self.container = container
        self.bodies: list[Body] = []
        self._troubles: dict[str, dict[Trouble, None]] = {}
        like = ENTRY_NAME if ENTRY_NAME in container else container.name_like(ENTRY_NAME)
        self.entry_name = like or ENTRY_NAME
        self.failure: MalformedError | None = None
        self._parts: dict[str, XmlNode | None] = {}
        self._bodies: list[XmlNode] = []
        self._read_bytes = 0
        self._counted: set[str] = set()
        self._page_nodes: dict[tuple[int, str, str], XmlNode] = {}  # by body, part and identifier
        try:
            if like is None:
                raise MalformedError(ENTRY_MISSING)
            self._read_entry(read_xml(container.read(like, MAX_XML_BYTES)))
        except MalformedError as error:
            self.failure = error

    def _read_entry(self, root: XmlNode) -> None:
        if self.entry_name != ENTRY_NAME:
            self.note(LOCATION_VARIANT, self.entry_name, "", "case")
        if root.name != "OFD":
            raise MalformedError(MALFORMED, reason="root", found=root.name[:40])
        if root.namespace != NAMESPACE:
            self.note(NAMESPACE_VARIANT, self.entry_name, "", root.namespace[:80])
        bodies = root.children("DocBody")
        for name in _misplaced(root, bodies):
            self.note(PART_UNREADABLE, self.entry_name, "", f"misplaced {name}")
        if len(bodies) > MAX_BODIES:
            self.note(TOO_MANY, self.entry_name, "", "DocBody")
        self._bodies = bodies[:MAX_BODIES]
        for index, node in enumerate(self._bodies):
            self.bodies.append(self._walk_body(index, node))

    def note(self, code: str, path: str, by: str, reason: str) -> None:
        """Keep a trouble once, up to the limit of its kind: missing pictures, however many, leave room for a page that is missing."""
        kept = self._troubles.setdefault(f"{code} {reason}" if code == PART_MISSING else code, {})
        if len(kept) < MAX_TROUBLES:
            kept[Trouble(code, path, by, reason)] = None

    @property
    def troubles(self) -> tuple[Trouble, ...]:
        """What was wrong, by its kind, each in the order met."""
        return tuple(trouble for kept in self._troubles.values() for trouble in kept)

    def entry_body(self, index: int) -> XmlNode:
        """The DocBody of ``OFD.xml`` that :attr:`bodies` has at ``index``."""
        return self._bodies[index]

    def look_up(self, location: str, by: str, folders: tuple[str, ...] = (), base: str | None = None) -> Found | None:
        """The member a location in the part ``by`` leads to; None, with a trouble, where it leads out of the package."""
        try:
            found = find(self.container, location, folder_of(by) if base is None else base, folders)
        except MalformedError as error:
            self.note(BAD_PATH, location.strip()[:80], by, str(error.facts.get("reason")))
            return None
        if found.variant is not None and found.path is not None:
            self.note(LOCATION_VARIANT, found.path, by, found.variant)
        return found

    def part(self, path: str, by: str) -> XmlNode | None:
        """The root element of a part, read once; None, with a trouble, where it cannot be read."""
        if path not in self._parts:
            self._parts[path] = None
            try:
                self._count(path)
                self._parts[path] = read_xml(self.container.read(path, MAX_XML_BYTES))
            except MalformedError as error:
                code = PART_REFUSED if error.code in REFUSED else PART_UNREADABLE
                self.note(code, path, by, f"{error.code} {error.facts.get('reason', '')}".strip())
        return self._parts[path]

    def _count(self, path: str) -> None:
        """Take a part into the account, once."""
        if path not in self._counted:
            self._counted.add(path)
            self._read_bytes += self.container.members[path].size
        if self._read_bytes > MAX_XML_TOTAL_BYTES:
            raise MalformedError(MALFORMED, reason="total-too-large")

    def _template_locations(self, path: str) -> tuple[str, ...] | None:
        """The locations in a template that may have been seen before; None where it is to be read as any other part."""
        if path in self._parts or self.container.members[path].size > REMEMBERED_BYTES:
            return None
        try:
            self._count(path)
            return _resources_of_template(self.container.read(path, MAX_XML_BYTES))
        except MalformedError:
            return None

    def _walk_body(self, index: int, node: XmlNode) -> Body:
        body = Body(index)
        entry = self.entry_name
        starts = [(location, Role.DOCUMENT) for location in self._texts(node, "DocRoot", entry)]
        starts += [(location, Role.CONTENT) for info in node.children("DocInfo") for location in self._texts(info, "Cover", entry)]
        versions = [version for holder in node.children("Versions") for version in holder.children("Version")]
        if len(versions) > MAX_VERSIONS:
            self.note(TOO_MANY, entry, "", "Version")
        current = [version for version in versions if _may_be_current(version)] or versions
        starts += [(location, Role.VERSION) for version in current[:MAX_VERSIONS] for location in version.readings("BaseLoc") or [""]]
        older = [
            (location, Role.VERSION)
            for version in versions[:MAX_VERSIONS]
            if version not in current
            for location in version.readings("BaseLoc") or [""]
        ]
        self._walk(body, starts, body.reached)
        self._walk(body, older, body.older)
        roots = tuple(folder_of(each.path) for each in body.reached.values() if each.role is Role.DOCUMENT)
        for location in self._texts(node, "Signatures", entry):
            found = self.look_up(location, entry, roots)
            if found is not None and found.path is None:
                self.note(PART_MISSING, found.wanted, entry, "signatures")
            elif found is not None and found.path is not None:
                body.signatures += [path for path in (found.path, *found.others) if path not in body.signatures]
        return body

    def _texts(self, node: XmlNode, name: str, by: str) -> list[str]:
        """The texts of the elements of one name directly inside; several where one is allowed are a trouble, and all are followed."""
        found = node.children(name)
        if len(found) > 1:
            self.note(PART_UNREADABLE, by, "", f"repeated {name}")
        return [text for each in found if (text := self._text(each, by))]

    def _text(self, node: XmlNode, by: str) -> str:
        try:
            return node.text
        except MalformedError as error:
            self.note(PART_UNREADABLE, by, "", f"{error.facts.get('reason')} {node.name}")
            return ""

    def _walk(self, body: Body, starts: list[tuple[str, Role]], reached: dict[str, Reached]) -> None:
        waiting: deque[tuple[str, Role]] = deque()
        done: set[tuple[str, Role]] = set()
        folders: tuple[str, ...] = ("",)

        def reach(location: str, role: Role, by: str, base: str | None = None, more: tuple[str, ...] = ()) -> None:
            found = self.look_up(location, by, (*more, *folders), base)
            if found is None:
                return
            if found.path is None:
                self.note(PART_MISSING, found.wanted, by, role.value)
                return
            for path in (found.path, *found.others):
                if path in body.reached and reached is not body.reached:
                    continue
                place = reached.setdefault(path, Reached(path, role, []))
                place.role = role if place.role is Role.LISTED else place.role
                if by not in place.by and len(place.by) < MAX_REFERRERS:
                    place.by.append(by)
                if role in _RULES and (path, role) not in done:
                    done.add((path, role))
                    waiting.append((path, role))

        for location, role in starts:
            reach(location, role, self.entry_name)
        while waiting:
            path, role = waiting.popleft()
            remembered = self._template_locations(path) if role is Role.TEMPLATE else None
            if remembered is not None:
                for location in remembered:
                    reach(location, Role.RESOURCES, path)
                continue
            if (root := self.part(path, reached[path].by[0])) is None:
                continue
            if role is Role.DOCUMENT:
                folders = (*folders, folder_of(path)) if folder_of(path) not in folders else folders
                body.default_box = body.default_box or _box_of(root)
            elif role is Role.PAGE and (box := _box_of(root)) is not None:
                body.boxes[path] = box
            bases = self._bases(root, path, folders) if role is Role.RESOURCES else []
            for rule, node, location in self._locations(root, role, path):
                if rule.based and bases:
                    reach(location, rule.role, path, bases[0], (*bases[1:], folder_of(path)))
                else:
                    reach(location, rule.role, path)
                if rule.role is Role.PAGE:
                    self._note_page(body, node, location, path)

    def _bases(self, root: XmlNode, path: str, folders: tuple[str, ...]) -> list[str]:
        """The folder that a part of resources states for its files: by the rules, then by the habit of starting elsewhere."""
        location = root.get("BaseLoc")
        if not location or not location.strip("./"):
            return []
        found = self.look_up(location, path)
        if found is None:
            return []
        bases = [found.wanted]
        for folder in folders:
            with suppress(MalformedError):
                bases.append(resolve(folder, location))
        return bases

    def _note_page(self, body: Body, node: XmlNode, location: str, by: str) -> None:
        found, identifier = self.look_up(location, by), node.get("ID") or ""
        if not identifier or self._page_nodes.setdefault((body.index, by, identifier), node) is not node:
            body.unclear_pages.add(identifier)
        if identifier and found is not None and found.path is not None:
            body.pages.setdefault(identifier, found.path)

    def _locations(self, root: XmlNode, role: Role, path: str) -> Iterator[tuple[_Rule, XmlNode, str]]:
        for rule in _RULES[role]:
            for node in root.descendants(rule.element):
                locations = [self._text(node, path)] if rule.attribute is None else node.readings(rule.attribute)
                for location in locations:
                    if location:
                        yield rule, node, location


def _may_be_current(version: XmlNode) -> bool:
    """Whether some reader takes this version for the current one: all that is stated counts, unless it says no."""
    return any(stated.lower() not in {"", "false", "0", "no"} for stated in version.readings("Current"))


def _misplaced(root: XmlNode, bodies: list[XmlNode]) -> list[str]:
    """What chooses the document and stands in ``OFD.xml`` elsewhere than it should: who looks for it by its name alone finds it there."""
    holders = [holder for body in bodies for holder in body.children("Versions")]
    placed = {
        "DocBody": len(bodies),
        "DocRoot": sum(len(body.children("DocRoot")) for body in bodies),
        "Signatures": sum(len(body.children("Signatures")) for body in bodies),
        "Version": sum(len(_versions(holder.children("Version"))) for holder in holders),
    }
    found = {name: list(root.descendants(name)) for name in placed}
    found["Version"] = _versions(found["Version"])
    return [name for name, count in placed.items() if len(found[name]) > count]


def _versions(nodes: list[XmlNode]) -> list[XmlNode]:
    """Those that lead somewhere: the word is a common one."""
    return [node for node in nodes if node.readings("BaseLoc")]


@lru_cache(maxsize=REMEMBERED_TEMPLATES)
def _resources_of_template(part: bytes) -> tuple[str, ...]:
    """The locations in the part of a template, in their order, by ``_PAGE_RULES``. Raises as :func:`read_xml`, and where one of them holds more than text."""
    root = read_xml(part)
    return tuple(text for rule in _PAGE_RULES for node in root.descendants(rule.element) if (text := node.text))


def _box_of(root: XmlNode) -> tuple[float, float, float, float] | None:
    """The physical box of a page or of the document's default page area, in millimetres; None where none can be read."""
    for area in (*root.descendants("PageArea"), *root.descendants("Area")):
        for node in area.children("PhysicalBox"):
            try:
                return read_box(node.text)
            except MalformedError:
                return None
    return None


def read_box(text: str) -> tuple[float, float, float, float]:
    """ST_Box (7.3): x, y, width, height in millimetres, width and height above zero. Raises ``OFD_LOCATION_BAD``, reason ``box``."""
    try:
        values = [float(part) for part in text.replace(",", " ").split()]
    except ValueError:
        values = []
    if len(values) != 4 or not all(abs(value) < 1e6 for value in values) or values[2] <= 0 or values[3] <= 0:
        raise MalformedError(BAD_LOCATION, reason="box", found=text[:60])
    return values[0], values[1], values[2], values[3]
