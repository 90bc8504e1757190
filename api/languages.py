"""Languages by tag: their name in English and in themselves, and the direction of their script."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_RIGHT_TO_LEFT: Final = frozenset({"ar", "fa", "he", "ur", "yi"})

# tag -> name in English, name in the language itself (CLDR 45, https://cldr.unicode.org)
_NAMES: Final = {
    "ar": ("Arabic", "العربية"),
    "ca": ("Catalan", "català"),
    "cs": ("Czech", "čeština"),
    "da": ("Danish", "dansk"),
    "de": ("German", "Deutsch"),
    "el": ("Greek", "Ελληνικά"),
    "en": ("English", "English"),
    "eo": ("Esperanto", "esperanto"),
    "es": ("Spanish", "español"),
    "et": ("Estonian", "eesti"),
    "eu": ("Basque", "euskara"),
    "fa": ("Persian", "فارسی"),
    "fi": ("Finnish", "suomi"),
    "fr": ("French", "français"),
    "gl": ("Galician", "galego"),
    "he": ("Hebrew", "עברית"),
    "hi": ("Hindi", "हिन्दी"),
    "hr": ("Croatian", "hrvatski"),
    "hu": ("Hungarian", "magyar"),
    "id": ("Indonesian", "Bahasa Indonesia"),
    "it": ("Italian", "italiano"),
    "ja": ("Japanese", "日本語"),
    "ko": ("Korean", "한국어"),
    "la": ("Latin", "Latina"),
    "mul": ("All languages", ""),
    "nb": ("Norwegian Bokmål", "norsk bokmål"),
    "nl": ("Dutch", "Nederlands"),
    "nn": ("Norwegian Nynorsk", "norsk nynorsk"),
    "no": ("Norwegian", "norsk"),
    "pl": ("Polish", "polski"),
    "pt": ("Portuguese", "português"),
    "ro": ("Romanian", "română"),
    "ru": ("Russian", "русский"),
    "sk": ("Slovak", "slovenčina"),
    "sl": ("Slovenian", "slovenščina"),
    "sr": ("Serbian", "српски"),
    "sv": ("Swedish", "svenska"),
    "tr": ("Turkish", "Türkçe"),
    "uk": ("Ukrainian", "українська"),
    "vi": ("Vietnamese", "Tiếng Việt"),
    "zh": ("Chinese", "中文"),
}


@dataclass(frozen=True, slots=True)
class Language:
    """A language as a page shows it.

    Attributes:
        tag: BCP 47.
        name: in English; the tag itself where the table has none.
        own_name: in the language itself; may be empty.
        direction: ``ltr`` or ``rtl``.
    """

    tag: str
    name: str
    own_name: str
    direction: str


def language(tag: str) -> Language:
    """The language of a tag; a tag with a region or script falls back on its language."""
    base = tag.partition("-")[0].lower()
    name, own_name = _NAMES.get(base, (tag, ""))
    if base in _NAMES and base != tag.lower():
        name = f"{name} ({tag})"
    return Language(tag, name, own_name, "rtl" if base in _RIGHT_TO_LEFT else "ltr")


def in_page_order(tags: list[str]) -> list[Language]:
    """English first, what holds in all languages last, the others by their English name."""
    first = {"en": 0, "mul": 2}
    return sorted(map(language, tags), key=lambda found: (first.get(found.tag, 1), found.name))
