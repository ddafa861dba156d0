"""The words of params.yaml's errors: what was expected and what was found."""

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from podium.io.text import MOST_LETTERS, nearest, printable, shown

# Names that a key has in scikit-learn, LightGBM, XGBoost, CatBoost, PyTorch, Keras and fastai, and
# others that people write; the first key that the block has is named.
SYNONYMS = {
    name: keys
    for keys, names in {
        # Boosting.
        "rounds | epochs": "n_estimators num_boost_round num_iterations n_rounds num_rounds trees",
        "rounds | epochs | max_iterations": "iterations max_iter n_iter",
        "num_leaves": "max_depth depth max_leaves max_leaf_nodes leaves",
        "bagging_fraction": "subsample bagging row_fraction sample_fraction",
        "feature_fraction": "colsample_bytree colsample colsample_bylevel max_features rsm",
        "min_child_samples": "min_data_in_leaf min_child_weight min_samples_leaf min_data",
        "patience | early_stopping": "early_stopping_rounds early_stopping_patience",
        "early_stopping | patience": "patience early_stopping n_iter_no_change",
        "holdout": "validation_fraction valid_fraction val_split validation_split",
        # Penalties.
        "lambda_l1 | l1": "reg_alpha l1 l1_reg l1_regularization",
        "lambda_l2 | l2 | weight_decay": "reg_lambda l2 l2_reg l2_regularization l2_leaf_reg",
        "alphas | alpha_count | lambda_l1": "alpha lambda lambdas c",
        "alpha_count": "alphas n_alphas",
        "alpha_ratio": "eps",
        "weight_decay | l2": "wd decay",
        "l1_ratios": "l1_ratio mix",
        "inner_folds | count": "cv n_splits k n_folds folds num_folds",
        # Networks.
        "learning_rate": "lr eta learning_rate_init step_size shrinkage",
        "batch_size": "batch bs batchsize minibatch",
        "epochs | rounds": "n_epochs num_epochs max_epochs epoch steps",
        "hidden | channels": "hidden_layer_sizes layers hidden_sizes hidden_units units widths",
        "channels | hidden": "filters width",
        "normalization: batch": "bn batch_norm batchnorm batch_normalization",
        "normalization: layer": "ln layer_norm layernorm",
        "normalization": "norm",
        "activation": "act nonlinearity activation_fn",
        "initialization": "init weight_init kernel_initializer",
        "dropout": "drop dropout_rate drop_rate p_drop drop_prob",
        "optimizer": "optim opt solver",
        "loss | class_loss": "criterion loss_fn objective",
        "class_loss | loss": "loss",
        "schedule": "scheduler lr_schedule lr_scheduler learning_rate_schedule",
        "warm_up": "warmup warmup_steps warmup_ratio",
        "gradient_clip": "grad_clip clip_grad max_grad_norm clipnorm gradient_clipping clip",
        "averaging": "ema swa weight_averaging",
        "average_decay": "ema_decay",
        "label_smoothing": "smoothing label_smooth",
        "input_noise": "noise gaussian_noise",
        "seeds": "n_seeds num_seeds bags",
        "seed": "random_state random_seed rng",
        "mixed_precision": "amp fp16",
        "tta": "test_time_augmentation",
        # The competition's blocks.
        "metric": "scoring score eval_metric",
        "target": "label target_column y",
        "id": "id_column index",
        "kind": "type",
        "slug": "competition competition_name kaggle",
        "path": "folder dir directory file filename",
        "scheme": "method cv_scheme",
        "scheme | impute | method": "strategy",
        "count": "n",
        "repeats": "n_repeats",
        "group": "groups group_column",
        "by": "time date time_column date_column order_by sort_by timestamp",
        "gap": "purge embargo purge_gap",
        "window": "max_train_size train_size window_size",
        "column": "fold_column",
        "impute": "imputer fillna fill_na imputation fill mean median impute_strategy",
        "na_indicators": "add_indicator missing_indicator missing_indicators na_indicator",
        "log_skewed": "log log1p skew skewed",
        "standardize": "scale scaler standardise normalize",
        "categorical": "cat_features categories categorical_features categoricals",
        "na_values": "missing missing_values na nan_values null_values",
        "drop": "drop_columns ignore exclude",
        "min_count": "min_frequency",
    }.items()
    for name in names.split()
}
# The same for values, by key.
_CLASSES = "'binary' for two classes or 'multiclass' for more"
VALUES = {
    (key, name): meant
    for key, by_meant in {
        "task": {
            _CLASSES: "classification classifier classify",
            "'binary'": "binary_classification logistic two_class",
            "'multiclass'": "multi_class multiclass_classification multi-class multinomial",
            "'regression'": "regressor numeric continuous number",
        },
        "kind": {
            "'tabular'": "table tables csv dataframe structured",
            "'image'": "images vision picture pictures pixels",
        },
        "provider": {
            "'local'": "csv file files folder dir directory zip path disk",
            "'kaggle'": "competition api kaggle-api",
        },
        "target_transform": {
            "'log', which is the natural one": "log10 log2 ln logarithm",
            "'log1p'": "log+1 log1",
            "'none'": "identity off false no",
        },
        "impute": {
            "'mean'": "average avg",
            "'median'": "most_frequent mode",
            "'zero'": "constant 0 zeros",
        },
        "na_indicators": {"'none'": "off no false", "'observed'": "on yes true numeric"},
        "fit_on": {"'fold'": "folds", "'train_and_test'": "all both train+test"},
        "method": {
            "'mean'": "average averaging",
            "'weighted'": "greedy caruana weights selection",
            "'rank_mean'": "rank ranks rank_average",
            "'linear_stack'": "stack stacking ridge logistic linear",
            "'lightgbm_stack'": "lightgbm boosting trees",
        },
    }.items()
    for meant, names in by_meant.items()
    for name in names.split()
}


# Pydantic's types of errors, in the words of a file that a person writes.
EXPECTED = {
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a block of keys",
    "mapping_type": "a block of keys",
    "model_type": "a block of keys",
    **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "a number"),
    "string_type": "text",
    "finite_number": "a finite number",
    "greater_than": "a number above {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "a number below {lt}",
    "less_than_equal": "at most {le}",
    "too_short": "a list of at least {min_length}",
    "too_long": "a list of at most {max_length}",
    "string_too_short": "a text of at least {min_length} letters",
    "string_too_long": "a text of at most {max_length} letters",
}


def explain(details: ErrorDetails, kind: type[BaseModel]) -> str:
    """What pydantic found wrong in a block of ``kind``, with the nearest valid key or value."""
    if not details["loc"]:
        # A rule about several knobs together.
        return details["msg"].removeprefix("Value error, ")
    key = printable(str(details["loc"][-1]))
    fields = _fields_at(kind, details["loc"][:-1])
    if details["type"] == "extra_forbidden":
        return f"unknown key '{key}'; {meant(key, fields)}"
    if details["type"] == "missing":
        return f"missing key '{key}'; add it"
    found = f"found {shown(details['input'])}{_value_meant(key, details)}"
    return f"expected {_expected(details)}, {found}{_as_written(details)}"


def _expected(details: ErrorDetails) -> str:
    """What a value should have been: in plain words, where pydantic's are for programmers."""
    words = EXPECTED.get(details["type"])
    if words is not None:
        limits = {key: _short(limit) for key, limit in details.get("ctx", {}).items()}
        return words.format(**limits)
    return details["msg"].removeprefix("Input should be ").removeprefix("Value error, ")


def _short(limit: Any) -> Any:
    return int(limit) if isinstance(limit, float) and limit.is_integer() else limit


def _as_written(details: ErrorDetails) -> str:
    """A hint: how a value of the right kind is written."""
    value = details["input"]
    if details["type"] == "list_type" and isinstance(value, str | int | float):
        return f"; write [{printable(str(value))}]"
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if details["type"] == "string_type" and is_number:
        return f"; put quotes around it: '{value}'"
    return ""


def _fields_at(kind: type[BaseModel], loc: Iterable[str | int]) -> list[str]:
    for part in loc:
        annotation = kind.model_fields[str(part)].annotation if part in kind.model_fields else None
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            kind = annotation
    return [name for name in kind.model_fields if name != "name"]


def meant(key: str, fields: Sequence[str]) -> str:
    """A hint: the key that another library's name stands for, else the nearest."""
    names = SYNONYMS.get(key.lower(), "").split(" | ")
    found = next((name for name in names if name.partition(":")[0] in fields), None)
    return f"did you mean '{found}'?" if found else nearest(key, fields)


def _value_meant(key: str, details: ErrorDetails) -> str:
    """A hint: the value that another word stands for, or that it is near to; else nothing."""
    written = str(details["input"]).lower()[:MOST_LETTERS].replace(" ", "_")
    valid = re.findall(r"'([^']*)'", details["msg"])
    near = [f"'{value}'" for value in get_close_matches(written, valid, n=1, cutoff=0.6)]
    meant = VALUES.get((key, written), near[0] if near else None)
    return f"; did you mean {meant}?" if meant else ""
