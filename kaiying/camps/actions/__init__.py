"""Writes of this room: a camp from a folder and back, its films, its cohorts."""

from kaiying.camps.actions.checking import check_camp
from kaiying.camps.actions.cohorts import open_cohort
from kaiying.camps.actions.diffing import Change, FieldChange, compare, worth_showing
from kaiying.camps.actions.exporting import export_camp
from kaiying.camps.actions.filming import films_in, make_films
from kaiying.camps.actions.films import Script, scripts_of
from kaiying.camps.actions.loading import Loaded, Preview, load_camp, preview_camp, read_camp
from kaiying.camps.actions.marks import Place, Problem
from kaiying.camps.actions.reading import Reading
from kaiying.camps.actions.snapshots import Film, plain
from kaiying.camps.actions.written import WrittenArticle, WrittenCamp, WrittenLesson, WrittenVoice

__all__ = [
    "Change",
    "FieldChange",
    "Film",
    "Loaded",
    "Place",
    "Preview",
    "Problem",
    "Reading",
    "Script",
    "WrittenArticle",
    "WrittenCamp",
    "WrittenLesson",
    "WrittenVoice",
    "check_camp",
    "compare",
    "export_camp",
    "films_in",
    "load_camp",
    "make_films",
    "open_cohort",
    "plain",
    "preview_camp",
    "read_camp",
    "scripts_of",
    "worth_showing",
]
