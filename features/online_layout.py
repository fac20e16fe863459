"""How one of Feast's views lies in our online stores."""

from __future__ import annotations

from feast import FeatureView
from feast.types import Float64, String

from features.online_port import Kind, Layout
from lifecycle.errors import DataError


def layout_of(project: str, view: FeatureView) -> Layout:
    """The layout of a view as Feast knows it.

    Raises:
        DataError: its entity has several keys, or none.
    """
    if len(view.join_keys) != 1:
        raise DataError(
            f"The online store cannot keep the view {view.name!r}.",
            found=f"Its entities have the keys {', '.join(view.join_keys) or 'none'}.",
            do="Give it an entity with one join key.",
        )
    names = [field.name for field in view.features]
    return Layout(
        project=project,
        view=view.name,
        join_key=view.join_keys[0],
        definition=view.tags.get("definition", ""),
        fields=tuple((field.name, kind_of(field.dtype)) for field in view.features),
        marker=next((name for name in names if name.startswith(f"{view.name}_moment_")), None),
    )


def kind_of(dtype: object) -> Kind:
    if dtype == Float64:
        return "number"
    return "category" if dtype == String else "other"
