"""``podium new`` as a list of steps: find the files, guess, write, and say what was guessed."""

from pathlib import Path

import pandas as pd

from podium.config import Competition
from podium.config.schema import Source
from podium.data import kinds
from podium.data.sample_submission import make_sample
from podium.data.sources import kaggle, raw_files
from podium.io import files
from podium.io.errors import PodiumError
from podium.io.text import printable
from podium.runtime.console import say
from podium.stages import pipeline
from podium.stages.new import images, params
from podium.stages.new.block import block_text, yaml
from podium.stages.new.columns import read_head
from podium.stages.new.draft import Draft
from podium.stages.new.features import guess_features, shared_columns
from podium.stages.new.folds import guess_folds
from podium.stages.new.listing import Listing, list_files
from podium.stages.new.roles import sample_of, tables_of
from podium.stages.new.several_targets import guess_tasks
from podium.stages.new.target import guess_id, guess_target, targets_of
from podium.stages.new.task import guess_task

MODELS = ("ridge", "lightgbm", "mlp")
SHOWN = ("kind", "id", "target", "task", "metric", "folds")


def new(name: str | None, slug: str | None, path: str | None) -> None:
    """Write a competition's block to params.yaml, guessed from its files.

    Args:
        name: the block's name; the slug if there is none.
        slug: the last part of the competition's address; the name if neither slug nor path is
            given.
        path: a folder or zip with the files; without it they come from Kaggle.

    Raises:
        PodiumError: params.yaml is not valid or has such a block; the files can't be had, or hold
            nothing to guess from: params.yaml is as it was. Or something in the tables would stop
            the download stage: the block is written.
    """
    name, slug = _names(name, slug, path)
    params.check_name(name)
    listing = list_files(_place(slug, path))
    draft = Draft()
    _set_source(draft, slug, path)
    with files.scratch() as scratch:
        _guess(draft, listing, scratch)
    config = params.add(name, block_text(name, draft))
    pipeline.sync({one: block.task for one, block in config.blocks.items()})
    _report(name, draft)
    _try_raw(config[name], listing)


def _names(name: str | None, slug: str | None, path: str | None) -> tuple[str, str | None]:
    found = name or slug
    if found is None:
        raise PodiumError("give a name: podium new NAME [--slug SLUG] [--path FOLDER]")
    slug = slug or (found if path is None else None)
    if slug is not None:
        try:
            Source.model_validate({"slug": slug})
        except ValueError:
            raise PodiumError(
                f"'{printable(slug)}' is no slug: expected the last part of the competition's "
                "address: letters, digits and '-'"
            ) from None
    return found, slug


def _place(slug: str | None, path: str | None) -> Path:
    """The folder or zip with the files.

    Raises:
        PodiumError: there is none.
    """
    if path is None:
        assert slug is not None
        return kaggle.archive_of(slug, slug)
    try:
        where = Path(path).expanduser()
        found = where.is_dir() or (where.is_file() and where.suffix.lower() != ".csv")
    except (RuntimeError, OSError, ValueError):
        found = False
    if not found:
        raise PodiumError(
            f"--path: no folder or zip at '{printable(path)}'; give the folder with train.csv and "
            "test.csv, or the zip that Kaggle gives"
        )
    return where


def _set_source(draft: Draft, slug: str | None, path: str | None) -> None:
    draft.set("files_of", path or f"Kaggle's {slug}")
    draft.set("source.provider", "kaggle" if path is None else "local")
    draft.set("source.slug", slug, "" if slug else "for 'podium submit': the end of the address")
    draft.set("source.path", path)


def _guess(draft: Draft, listing: Listing, scratch: Path) -> None:
    """All guesses, in an order in which each finds what it needs."""
    sample_name = sample_of(listing)
    sample = read_head(listing.open_table(sample_name, scratch)) if sample_name else None
    asked = [] if sample is None else [str(column) for column in sample]
    labels = images.guess_files(draft, listing, scratch)
    if labels is not None:
        guess_target(draft, labels, [], asked)
        # Several targets are for tables: the new block is an error that says so.
        target = labels[targets_of(draft)[0]]
        guess_task(draft, target, sample)
        guess_folds(draft, target, [])
    else:
        _guess_table(draft, listing, scratch, sample)
    if sample is None:
        _tell_of_no_sample(draft)


def _guess_table(
    draft: Draft, listing: Listing, scratch: Path, sample: pd.DataFrame | None
) -> None:
    draft.set("files", tables_of(listing))
    train, test = (
        read_head(listing.open_table(draft["files"][key], scratch)) for key in ("train", "test")
    )
    asked = [] if sample is None else [str(column) for column in sample]
    draft.set("kind", "tabular", f"{train.shape[1]} columns in train, {test.shape[1]} in test")
    draft.set("models", MODELS)
    guess_id(draft, train, test, asked)
    guess_target(draft, train, list(test), asked)
    guess_tasks(draft, train, sample)
    features = shared_columns(draft, train, test)
    if draft["task"] != "regression" and images.are_pixels(features):
        images.guess_pixels(draft, len(features))
        features = []
    else:
        features = guess_features(draft, features, train, test)
    guess_folds(draft, train[targets_of(draft)[0]], features)


def _tell_of_no_sample(draft: Draft) -> None:
    draft.look.append(
        "source.files: there is no sample submission; a submission will have the test ids under "
        f"'{printable(draft['id'])}' and what task and metric ask for: see the competition's page"
    )


def _report(name: str, draft: Draft) -> None:
    """What was guessed and why, and what to look at."""
    say(f"{name}: its block is at the end of params.yaml, guessed from {draft['files_of']}")
    files_used = ", ".join(filter(None, draft["files"].values()))
    say(f"  {'files':<12} {files_used}")
    keys = [*SHOWN, *(key for key in draft.why if key.startswith(("preprocess.", "submission.")))]
    for key in keys:
        why = draft.why.get(key)
        value = draft[key] if isinstance(draft[key], str) else yaml(draft[key])
        say(f"  {key.removeprefix('preprocess.'):<12} {printable(value)}" + _behind(why))
    if draft.look:
        print("look at:")
        for line in draft.look:
            print(f"  {printable(line)}")


def _behind(why: str | None) -> str:
    return f": {printable(why)}" if why else ""


def _try_raw(competition: Competition, listing: Listing) -> None:
    """Check tables as the download stage will; images are checked there."""
    if competition.source.files.labels is not None:
        return
    with files.scratch() as scratch:
        take = raw_files.from_folder if listing.where.is_dir() else raw_files.from_zip
        try:
            take(listing.where, scratch, competition.source.files)
            make_sample(scratch, competition)
            kinds.of(competition).check_raw(scratch, competition)
        except PodiumError as error:
            raise PodiumError(
                f"{competition.name}: its block is written, but 'dvc repro' would stop: {error}"
            ) from None
