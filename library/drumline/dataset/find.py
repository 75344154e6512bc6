"""Find all songs under the configured roots."""

from collections.abc import Sequence
from dataclasses import replace

from drumline.core.errors import ConfigError
from drumline.core.listing import list_library
from drumline.dataset.exports import AudioTree, songs_of_exports
from drumline.dataset.sources import RootConfig, SongSource, songs_of_root


def find_songs(roots: Sequence[RootConfig]) -> list[SongSource]:
    """Find all songs under the roots, in order of key.

    Raises ConfigError if a root is missing or two roots share a name.
    """
    found: dict[str, SongSource] = {}
    exports: dict[str, SongSource] = {}
    trees: list[AudioTree] = []
    names: dict[str, str] = {}
    for root in roots:
        name = root.label
        if names.setdefault(name, root.uri) != root.uri:
            raise ConfigError(f"roots {names[name]} and {root.uri} share the name {name!r}: set `name` on one of them")
        listings = list(list_library(root.uri))
        trees += [AudioTree(listing.uri, listing.files) for listing in listings]
        for source in songs_of_root(name, root, listings):
            if source.format == "midi_json":
                exports[source.key] = replace(source, extra={"class_order": root.class_order})
            else:
                found[source.key] = source
    found |= {source.key: source for source in songs_of_exports(list(exports.values()), trees)}
    return [found[key] for key in sorted(found)]
