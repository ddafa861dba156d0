"""The knobs of networks: what ``mlp`` and ``linear`` take in params.yaml, and the estimators too.

Every knob is one key, off or neutral by default where it can be; ``docs/knobs.md`` says in two
sentences what each is for, and its source. The pieces that do the work stand under the same names
in ``podium.nn.knobs``.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from podium.config.auto import AUTO, OR_AUTO
from podium.config.block import Count, Fraction, NotNegative, Positive, Share, TrainedParams, Width
from podium.config.folds import FoldScheme

Optimizer = Literal["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"]
Schedule = Literal[
    "constant",
    "linear",
    "step",
    "exponential",
    "cosine",
    "one_cycle",
    "flat_cosine",
    "warm_restarts",
    "coslog",
]
Loss = Literal["squared", "absolute", "huber", "quantile"]
ClassLoss = Literal["cross_entropy", "binary_cross_entropy"]
Activation = Literal[
    "relu", "leaky_relu", "prelu", "gelu", "silu", "selu", "tanh", "sigmoid", "mish"
]
Averaging = Literal["none", "ema", "swa"]
Initialization = Literal["he", "xavier", "lecun", "orthogonal", "zeros"]

# A knob that does nothing unless another has one of these values.
NEEDS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "huber_delta": ("loss", ("huber", AUTO)),
    "quantile": ("loss", ("quantile",)),
    "momentum": ("optimizer", ("momentum", "nesterov", "adam", "adamw")),
    "beta2": ("optimizer", ("rmsprop", "adam", "adamw")),
    "average_decay": ("averaging", ("ema",)),
    "average_start": ("averaging", ("swa",)),
    "embedding_size": ("numeric_embedding", ("periodic", "periodic_bias", "piecewise_linear")),
    "frequency_scale": ("numeric_embedding", ("periodic", "periodic_bias")),
    "bins": ("numeric_embedding", ("piecewise_linear",)),
}
# The same for the shape parameters of schedules, which three knobs share.
SHAPES: dict[str, tuple[str, ...]] = {
    "schedule_end": ("linear", "exponential", "cosine", "flat_cosine", "warm_restarts"),
    "step_every": ("step",),
    "step_factor": ("step",),
    "peak_at": ("one_cycle",),
    "flat_until": ("flat_cosine",),
    "restarts": ("warm_restarts",),
}
# What only hidden layers have.
OF_HIDDEN_LAYERS = (
    "activation", "initialization", "normalization", "skip", "activation_noise", "implicit_members",
    "parametric_activation",
)  # fmt: skip
SCHEDULED = ("schedule", "weight_decay_schedule", "dropout_schedule")


class NetworkParams(TrainedParams):
    """How a network is trained: shared by ``mlp`` and ``linear``."""

    # The size of the work.
    epochs: Count
    batch_size: Count = 64
    seeds: Count = 1
    # The loss: of numbers, and of classes.
    loss: Loss = "squared"
    class_loss: ClassLoss = "cross_entropy"
    huber_delta: Positive = 0.5
    quantile: float = Field(0.5, gt=0, lt=1)
    label_smoothing: Fraction = 0.0
    standardize_target: bool = True
    # The step.
    optimizer: Optimizer
    learning_rate: Positive
    momentum: Fraction = 0.9
    beta2: Fraction = 0.999
    schedule: Schedule
    warm_up: Fraction = 0.0
    schedule_end: Share = 0.0
    step_every: float = Field(0.3, gt=0, le=1)
    step_factor: float = Field(0.1, gt=0, lt=1)
    peak_at: float = Field(0.3, gt=0, lt=1)
    flat_until: Fraction = 0.5
    restarts: Count = 4
    gradient_clip: float | None = Field(None, gt=0)
    # Penalties.
    weight_decay: NotNegative = 0.0
    weight_decay_schedule: Schedule = "constant"
    l1: NotNegative = 0.0
    l2: NotNegative = 0.0
    # Noise.
    dropout_schedule: Schedule = "constant"
    input_dropout: Fraction = 0.0
    input_noise: NotNegative = 0.0
    weight_noise: NotNegative = 0.0
    mixup: NotNegative = 0.0
    # Which weights are kept.
    averaging: Averaging = "none"
    average_decay: Fraction = 0.99
    average_start: Fraction = 0.75
    early_stopping: int | None = Field(None, ge=1)
    holdout: float = Field(0.1, gt=0, lt=1)
    best_weights: bool = True
    # Where it runs.
    device: Literal["auto", "cpu", "cuda"] = "auto"
    mixed_precision: bool = True

    @model_validator(mode="after")
    def _nothing_idle(self) -> Self:
        """A knob that would do nothing is an error: a configuration must not lie."""
        for knob, (other, values) in NEEDS.items():
            if self.is_set(knob) and getattr(self, other) not in values:
                raise ValueError(f"{knob} does nothing with {other}: {getattr(self, other)}")
        used = {getattr(self, name) for name in SCHEDULED if hasattr(self, name)}
        for knob, shapes in SHAPES.items():
            if self.is_set(knob) and not used & set(shapes):
                raise ValueError(f"{knob} does nothing without a schedule of {', '.join(shapes)}")
        return self

    @model_validator(mode="after")
    def _nothing_without_its_switch(self) -> Self:
        """Knobs of what is switched off."""
        off = {
            "holdout": ("early_stopping", self.early_stopping is not None),
            "best_weights": ("early_stopping", self.early_stopping is not None),
            "weight_decay_schedule": ("weight_decay above 0", self.weight_decay > 0),
            "dropout_schedule": ("dropout above 0", self.has_dropout),
        }
        for knob, (other, on) in off.items():
            if self.is_set(knob) and not on:
                raise ValueError(f"{knob} does nothing without {other}")
        if self.optimizer == "nesterov" and not self.momentum:
            raise ValueError("nesterov needs momentum above 0")
        return self

    def idle(self, task: str, scheme: FoldScheme) -> Mapping[str, str]:
        """Knobs of numbers do nothing for classes, and the other way round."""
        knobs: tuple[str, ...] = ("label_smoothing", "class_loss")
        if task != "regression":
            knobs = ("loss", "huber_delta", "quantile", "standardize_target", "clamp_output")
        return dict.fromkeys(knobs, f"for task '{task}'")

    @property
    def has_dropout(self) -> bool:
        """Whether anything is dropped while training."""
        return self.input_dropout > 0

    @property
    def cutmix_strength(self) -> float:
        """How boldly images are mixed (``cutmix``), 0 for networks that read none."""
        return 0.0

    @property
    def clamps_output(self) -> bool:
        """Whether predictions stay within the training targets' range (``clamp_output``)."""
        return False

    @property
    def implicit(self) -> int:
        """Implicit members of a network (``implicit_members``), 1 where there are none."""
        return 1

    @property
    def changed_copies(self) -> int:
        """Changed copies of each input that are predicted beside it (``tta``), 0 for tables."""
        return 0


class LayeredParams(NetworkParams):
    """A multilayer perceptron's own knobs (D2L, chapter 5), whatever its inputs are."""

    # The network.
    hidden: list[Width] = [128, 64]
    activation: Activation = "silu"
    initialization: Initialization = "he"
    zero_last: bool = False
    normalization: Literal["none", "batch", "layer"] = "none"
    skip: bool = False
    dropout: Fraction | list[Fraction] = 0.3
    activation_noise: NotNegative = 0.0
    parametrization: Literal["standard", "ntk"] = "standard"
    parametric_activation: bool = False
    # Times the learning rate.
    bias_rate: Positive = 1.0
    activation_rate: Positive = 1.0
    # At prediction.
    mc_dropout: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _one_dropout_a_layer(self) -> Self:
        if isinstance(self.dropout, list) and self.hidden == AUTO:
            raise ValueError("a list of dropout rates needs a list of hidden layers")
        if isinstance(self.dropout, list) and len(self.dropout) != len(self.hidden):
            raise ValueError(
                f"dropout lists {len(self.dropout)} rates for {len(self.hidden)} hidden layers"
            )
        return self

    @model_validator(mode="after")
    def _layers_to_shape(self) -> Self:
        for knob in OF_HIDDEN_LAYERS:
            if not self.hidden and self.is_set(knob):
                raise ValueError(f"{knob} does nothing without hidden layers")
        return self

    @model_validator(mode="after")
    def _rows_to_normalize(self) -> Self:
        if self.normalization == "batch" and self.batch_size == 1:
            raise ValueError("normalization: batch needs batch_size above 1: one row has no std")
        return self

    @model_validator(mode="after")
    def _dropout_to_draw(self) -> Self:
        if self.mc_dropout and not self.has_dropout:
            raise ValueError("mc_dropout needs dropout above 0 on a hidden layer, or input_dropout")
        return self

    @model_validator(mode="after")
    def _activation_to_learn(self) -> Self:
        if self.parametric_activation and self.activation == "prelu":
            raise ValueError("parametric_activation does nothing with activation: prelu")
        learnt = self.parametric_activation or self.activation == "prelu"
        if self.is_set("activation_rate") and not learnt:
            raise ValueError(
                "activation_rate does nothing without parametric_activation, or activation: prelu"
            )
        return self

    @property
    def has_dropout(self) -> bool:
        """Whether anything is dropped while training."""
        return any([self.input_dropout, *self.dropouts])

    @property
    def dropouts(self) -> list[float]:
        """The dropout rate after each hidden layer; one where their number is not known yet."""
        if isinstance(self.dropout, list):
            return self.dropout
        if self.hidden == AUTO:
            return [self.dropout]
        return [self.dropout] * len(self.hidden)


class MLPParams(LayeredParams):
    """The regularized multilayer perceptron on a table."""

    # Defaults that ship.
    hidden: Annotated[list[Width], *OR_AUTO] = AUTO
    epochs: Annotated[Count, *OR_AUTO] = AUTO
    batch_size: Annotated[Count, *OR_AUTO] = AUTO
    seeds: Annotated[Count, *OR_AUTO] = AUTO
    loss: Annotated[Loss, *OR_AUTO] = AUTO
    optimizer: Optimizer = "adamw"
    learning_rate: Positive = 2e-3
    schedule: Annotated[Schedule, *OR_AUTO] = AUTO
    weight_decay: NotNegative = 0.5
    early_stopping: int | None = Field(20, ge=1)
    holdout: float = Field(0.15, gt=0, lt=1)
    label_smoothing: Annotated[Fraction, *OR_AUTO] = 0.0
    # Networks that share most of their weights.
    implicit_members: Count = 1
    implicit_variant: Literal["full", "mini", "packed"] = "full"
    # Its inputs.
    standardize_inputs: bool = False
    input_margin: float | None = Field(0.5, ge=0)
    robust_scale: bool = False
    smooth_clip: float | None = Field(None, gt=0)
    input_scale: bool = False
    scale_rate: Positive = 1.0
    numeric_embedding: Literal["none", "periodic", "periodic_bias", "piecewise_linear"] = (
        "piecewise_linear"
    )
    embedding_size: Count = 4
    frequency_scale: Positive = 0.1
    bins: int = Field(16, ge=2)
    category_embedding: int | None = Field(None, ge=1)
    embedding_rate: Positive = 1.0
    # At prediction.
    clamp_output: bool = False

    @model_validator(mode="after")
    def _implicit_members_to_share(self) -> Self:
        if self.is_set("implicit_variant") and self.implicit_members == 1:
            raise ValueError("implicit_variant does nothing without implicit_members above 1")
        return self

    @model_validator(mode="after")
    def _something_with_a_rate(self) -> Self:
        if self.is_set("scale_rate") and not self.input_scale:
            raise ValueError("scale_rate does nothing without input_scale")
        embedded = self.numeric_embedding != "none" or self.category_embedding is not None
        if self.is_set("embedding_rate") and not embedded:
            raise ValueError(
                "embedding_rate does nothing without numeric_embedding or category_embedding"
            )
        return self

    @property
    def clamps_output(self) -> bool:
        """``clamp_output``."""
        return self.clamp_output

    @property
    def implicit(self) -> int:
        """``implicit_members``."""
        return self.implicit_members

    def resolved(self, values: Mapping[str, Any]) -> Self:
        """The same with these values in place of ``auto``; a loss brings its quantile."""
        own = super().resolved(values)
        if self.loss != AUTO or own.loss != "quantile":
            return own
        return own.model_copy(update={"quantile": values["quantile"]})


class LinearParams(NetworkParams):
    """The textbook's linear regression by minibatch SGD (D2L 3.5 and 5.7)."""

    epochs: Count = 10
    optimizer: Optimizer = "sgd"
    learning_rate: Positive = 0.01
    schedule: Schedule = "constant"
    standardize_target: bool = False
