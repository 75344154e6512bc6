"""Find every song under some roots."""

from collections.abc import Sequence
from dataclasses import replace

from drumline.core.errors import ConfigError
from drumline.dataset.exports import Listing, songs_of_exports
from drumline.dataset.sources import RootConfig, SongSource, list_files, songs_of_root


def find_songs(roots: Sequence[RootConfig]) -> list[SongSource]:
    """Every song under the roots, in order of key.

    Raises ConfigError where a root is missing or two roots share a name.
    """
    found: dict[str, SongSource] = {}
    exports: dict[str, SongSource] = {}
    listings: list[Listing] = []
    names: dict[str, str] = {}
    for root in roots:
        name = root.label
        if names.setdefault(name, root.uri) != root.uri:
            raise ConfigError(f"roots {names[name]} and {root.uri} share the name {name!r}: set `name` on one of them")
        listings.append(Listing(*list_files(root.uri)))
        for source in songs_of_root(name, root, listings[-1].uri, listings[-1].files):
            if source.format == "midi_json":
                exports[source.key] = replace(source, extra={"class_order": root.class_order})
            else:
                found[source.key] = source
    found |= {source.key: source for source in songs_of_exports(list(exports.values()), listings)}
    return [found[key] for key in sorted(found)]
