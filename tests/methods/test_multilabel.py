"""Multi-label methods: what implementations of them get wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from support.multilabel import RNG, C, N, Y, Z, info, no_noise, ready, step
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from benchmark import functional
from benchmark.api import load_method
from benchmark.core.errors import ConfigError, DataError
from benchmark.data.problems import MultiLabel
from benchmark.methods.base import Method
from benchmark.methods.label_refurbishment.bomd import label_vectors, nearest_votes, ranked_first
from benchmark.methods.step import Batch, Passes, Step
from benchmark.models.base import InputShape
from benchmark.models.cnn_cam import CNNCAM
from benchmark.models.encoders import minilm


def value(method: Method, z: Tensor = Z, y: Tensor = Y, epoch: int = 0) -> float:
    return method.objective(step(z, y, epoch)).item()


BCE = F.binary_cross_entropy_with_logits(Z, Y.float(), reduction="none")


def test_asl_is_a_sum_with_a_lifted_negative_and_a_weight_without_gradient() -> None:
    method = ready("asl", gamma_negative=4.0, gamma_positive=1.0)
    z = Z.clone().requires_grad_(True)
    found = method.objective(step(z))
    p = Z.double().sigmoid().numpy()
    q, y = np.minimum(1 - p + 0.05, 1), Y.numpy()
    w = np.where(y == 1, (1 - p) ** 1, (1 - q) ** 4)
    np.testing.assert_allclose(found.item(), -(w * np.log(np.where(y == 1, p, q))).sum(), rtol=1e-5)
    found.backward()
    slope = np.where(y == 1, -w * (1 - p), np.where(q < 1, w * p * (1 - p) / q, 0))
    assert z.grad is not None
    np.testing.assert_allclose(z.grad.numpy(), slope, atol=1e-5)


def test_assume_negative_family() -> None:
    p, y = Z.sigmoid(), Y.float()
    nl = functional.negative_log
    assert value(ready("assume_negative")) == pytest.approx(float(BCE.mean()), abs=1e-4)
    assert value(ready("wan")) == pytest.approx(float((y * nl(p) + (1 - y) * nl(1 - p) / (C - 1)).mean()), rel=1e-5)
    swapped = y * (0.9 * nl(p) + 0.1 * nl(1 - p)) + (1 - y) * (0.9 * nl(1 - p) + 0.1 * nl(p))  # all of c, not half of it
    assert value(ready("lsan")) == pytest.approx(float(swapped.mean()), rel=1e-5)


def test_epr_trains_positives_and_their_number() -> None:
    method = ready("epr", declared=no_noise())
    expected = (Y * functional.negative_log(Z.sigmoid())).mean() + (Z.sigmoid().sum(1).mean() - Y.sum(1).float().mean()) ** 2 / C**2
    assert value(method) == pytest.approx(float(expected), rel=1e-5)
    rates = torch.tensor([[0.2, 0.5]]).repeat(C, 1)  # a fifth of the zeros is wrong, half of the ones
    more = ready("epr", declared={"noise_rate": rates})
    assert more.positives == pytest.approx(float((0.5 * Y + 0.2 * (1 - Y)).sum(1).mean()), rel=1e-5)  # type: ignore[arg-type]


def test_role_stops_gradients_and_starts_where_the_paper_says() -> None:
    method = ready("role", declared=no_noise())
    theta = method.theta.weight.detach()  # type: ignore[union-attr]
    assert torch.allclose(theta[Y == 1].sigmoid(), torch.tensor(0.995))
    rest = theta[Y == 0].sigmoid()
    assert 0.4 <= float(rest.min()) < float(rest.max()) <= 0.6
    z = Z.clone().requires_grad_(True)
    method.objective(step(z)).backward()
    p, q = (t.clone().requires_grad_(True) for t in (Z, theta))
    k = float(Y.sum(1).float().mean())

    def half(a: Tensor, b: Tensor) -> Tensor:
        agreement = -(b * (a + 1e-5).log() + (1 - b) * (1 - a + 1e-5).log()).mean()
        return -(Y * (a + 1e-5).log()).mean() + agreement + (a.sum(1).mean() - k) ** 2 / C**2

    (0.5 * half(p.sigmoid(), theta.sigmoid())).backward()
    (0.5 * half(q.sigmoid(), Z.sigmoid())).backward()
    assert torch.allclose(z.grad, p.grad, atol=1e-6)  # type: ignore[arg-type]
    assert torch.allclose(method.theta.weight.grad.to_dense(), q.grad, atol=1e-6)  # type: ignore[union-attr,operator,arg-type]


def test_em_subtracts_the_entropy_of_unknown_entries() -> None:
    method = ready("em_apl", alpha=0.3)
    z = Z.clone().requires_grad_(True)
    method.objective(step(z)).backward()
    p = Z.sigmoid()
    slope = torch.where(Y == 1, p - 1, 0.3 * p * (1 - p) * Z) / (N * C)  # pushes towards p = .5
    assert torch.allclose(z.grad, slope, atol=1e-4)  # type: ignore[arg-type]
    unknown = torch.where(Y == 0, -1, Y)
    assert value(method, y=unknown) == pytest.approx(value(method), rel=1e-6)  # whether a zero was seen or not


def test_em_makes_only_negative_pseudo_labels_with_a_quota_of_the_start() -> None:
    size = 40
    y = torch.zeros(size, 2, dtype=torch.int64)
    y[:10, 0] = 1
    method = ready("em_apl", y, theta=0.9, warmup=0.5)
    p = torch.from_numpy(RNG.random((size, 2))).float()

    def evaluate(split: str) -> Tensor:
        return torch.stack((1 - p, p), -1).reshape(-1, 2)

    quota = torch.tensor([int(0.9 * 30 / 5), int(0.9 * 40 / 5)])
    method.on_epoch_end(3, evaluate)  # type: ignore[arg-type]
    assert bool(method.pseudo.isnan().all())  # type: ignore[operator]
    for epoch in (4, 5):  # the fifth and the sixth
        method.on_epoch_end(epoch, evaluate)  # type: ignore[arg-type]
        made = ~method.pseudo.isnan()  # type: ignore[operator]
        assert torch.equal(made.sum(0), quota * (epoch - 3))
    for k in range(2):
        free = (y[:, k] == 0).nonzero()[:, 0]
        lowest = free[p[free, k].argsort()[: int(made[:, k].sum())]]
        assert set(made[:, k].nonzero()[:, 0].tolist()) == set(lowest.tolist())
    assert torch.equal(method.pseudo[made], p[made])  # type: ignore[index]


def test_large_losses_are_ranked_among_unobserved_entries_from_the_second_epoch() -> None:
    plain = float(BCE.mean())
    for scheme in ("reject", "temporary", "permanent"):
        method = ready("large_loss", scheme=scheme, delta=10.0)  # 10 % per epoch of 24 entries
        assert value(method) == pytest.approx(plain, rel=1e-6)
        unobserved = BCE[Y == 0].sort(descending=True).values
        for epoch in (1, 2):
            k = {"permanent": 3}.get(scheme, [0, 3, 5][epoch])
            bound = unobserved[k - 1]
            large = (Y == 0) & (bound <= BCE)
            assert int(large.sum()) == k
            changed = torch.where(large, 0.0 if scheme == "reject" else F.softplus(-Z), BCE)
            if scheme == "permanent" and epoch == 2:
                continue  # the labels of the first time stay, see below
            assert value(method, epoch=epoch) == pytest.approx(float(changed.mean()), rel=1e-5)


def test_permanent_corrections_stay_and_temporary_ones_do_not() -> None:
    ct, cp = (ready("large_loss", scheme=scheme, delta=5.0) for scheme in ("temporary", "permanent"))
    for method in (ct, cp):
        value(method, epoch=1)
    assert int(ct.large.corrected.sum()) == 0  # type: ignore[operator,arg-type]
    first = cp.large.corrected.clone()  # type: ignore[operator]
    assert int(first.sum()) == 2
    assert bool((Y[first] == 0).all())
    value(cp, epoch=2)
    assert bool(cp.large.corrected[first].all())  # type: ignore[index]
    assert int(cp.large.corrected.sum()) == 4  # type: ignore[operator,arg-type]


def test_ties_of_large_losses_are_all_taken() -> None:
    z, y = torch.tensor([[2.0, 2.0, -1.0, 3.0]]), torch.tensor([[0, 0, 0, 1]])
    method = ready("large_loss", y, scheme="reject", delta=25.0)
    left = float(F.softplus(torch.tensor(-1.0)) + F.softplus(torch.tensor(-3.0))) / 4
    assert value(method, z, y, epoch=1) == pytest.approx(left, rel=1e-6)


def test_boostlu_raises_positive_activations_before_pooling() -> None:
    network = CNNCAM(InputShape((1, 8, 8), torch.float32), C, [4, 6])
    x = torch.randn(N, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    made = Step([network], MultiLabel(list("abcd")), Batch([x], torch.arange(N), Y, None), Passes.zeros(1))
    method = ready("boostlu", alpha=5.0, delta=0.0)
    activation = network.head(network.encode(x))
    boosted = torch.where(activation > 0, 5 * activation, activation).mean(1)
    assert torch.allclose(method.boosted(made), boosted, atol=1e-6)  # type: ignore[operator]
    assert torch.allclose(method.predict(made)[:, 1].reshape(N, C), boosted.sigmoid(), atol=1e-6)
    assert method.objective(made).item() == pytest.approx(F.binary_cross_entropy_with_logits(boosted, Y.float()).item(), rel=1e-5)
    assert torch.allclose(network(x), activation.mean(1))


def test_pu_mlc_mixes_the_halves_of_a_batch() -> None:
    method = ready("pu_mlc")
    lam = float(info().generator("pu_mlc").beta(0.3, 0.3))
    t = torch.where(Y == 1, 1.0, Z.sigmoid())
    t = lam * t[:3] + (1 - lam) * t[3:]
    mixed = lam * Z[:3] + (1 - lam) * Z[3:]  # the network is the identity
    expected = functional.positive_unlabelled(Z, Y == 1, 1.0, 0.55) + ((t.log() - mixed.sigmoid().log()) ** 2).mean(0).sum()
    assert value(method) == pytest.approx(float(expected), rel=1e-4)
    z = Z.clone().requires_grad_(True)
    only = torch.where(Y == 1, 0, Y)
    ready("pu_mlc", only).objective(step(z, only)).backward()  # nothing positive: finite, and the target has its gradient
    assert bool(z.grad.isfinite().all())  # type: ignore[union-attr]


def test_comic_counts_recovered_labels_anew_each_epoch() -> None:
    method = ready("comic", balance=False)
    count = Y.sum(0).float()
    assert torch.allclose(method.class_weight(0.5), (1 - (count.clamp(min=1) / count.max()).log()) ** 0.5)  # type: ignore[operator]
    value(method, epoch=1)
    first = method.recovered.clone()  # type: ignore[operator]
    found = functional.recover_positives(torch.where(Y == 1, Z - 1, Z), Y.float(), 0.7)
    assert torch.equal(first, found.sum(0).float())
    assert float(first.sum()) > 0
    value(method, epoch=1)
    assert torch.equal(method.recovered, 2 * first)  # type: ignore[arg-type]
    value(method, epoch=2)
    assert torch.equal(method.recovered, first)  # type: ignore[arg-type]


def test_comic_lowers_what_occurs_together_and_shifts_given_positives_only() -> None:
    method = ready("comic", balance=False)
    y, z = Y.numpy().astype(float), Z.double().numpy()
    together = y.T @ y * (1 - np.eye(C))
    rows = y @ (together / np.maximum(together.sum(0), 1))  # sums over the rows of an example's positives, each column shared out
    near = rows / np.maximum(rows.sum(1, keepdims=True), 1e-12)
    weight = method.class_weight(1 / 3)  # type: ignore[operator]
    modified = functional.cooccurrence_focal(Z, Y.float(), weight, torch.from_numpy(near).float(), 3.0).sum()
    assert value(method) == pytest.approx(float(modified), rel=1e-5)
    shifted = torch.from_numpy(np.where(y == 1, z - 1, z)).float()
    found = functional.recover_positives(shifted, Y.float(), 0.7)
    label = torch.where(found, 1.0, Y.float())
    count = label.sum(0).clamp(min=1)
    weight = (1 - (count / count.max()).log()) ** (1 / 6)
    corrected = functional.multi_focal(shifted, label, weight, 3.0, 0.0).sum() * 32 / label.sum()
    assert value(method, epoch=1) == pytest.approx(float(modified + corrected), rel=1e-5)


def test_masks_hide_a_share_and_the_three_terms_add_up() -> None:
    method = ready("masked_supervision", share=0.3)
    image = method._bank((1, 24, 24))  # type: ignore[operator]
    assert image.shape == (64, 1, 24, 24)
    assert 0.1 < 1 - float(image.mean()) < 0.4
    assert torch.equal(method._bank((50,)).unique(), torch.tensor([0.0, 1.0]))  # type: ignore[operator]
    method.masks = {(C,): torch.ones(64, C)}  # type: ignore[assignment]
    assert value(method) == pytest.approx(0.5 * float(BCE.mean()), rel=1e-5)  # nothing hidden: .3 + .2 of the loss


def test_sparsemax_leaves_a_slot_for_examples_without_a_label() -> None:
    method = ready("sparsemax")
    y = Y.clone()
    y[0] = 0
    p = functional.sparsemax(torch.cat([Z, torch.zeros(N, 1)], 1))[0]
    target = torch.cat([y, (y.sum(1, keepdim=True) == 0).long()], 1).float()
    z = Z.clone().requires_grad_(True)
    method.objective(step(z, y)).backward()
    slope = (p - target / target.sum(1, keepdim=True))[:, :C] / N
    assert torch.allclose(z.grad, slope, atol=1e-6)  # type: ignore[arg-type]
    method.threshold.fill_(0.25)  # type: ignore[operator]
    score = method.predict(step())[:, 1].reshape(N, C)
    assert torch.equal(score > 0.5, p[:, :C] > 0.25)
    outside = p[0, :C] == 0
    assert outside.sum() > 1
    assert torch.equal(score[0, outside].argsort(), Z[0, outside].argsort())  # no ties outside the support


def test_nvum_remembers_logits_less_their_prior() -> None:
    method = ready("nvum")
    prior = Y.float().mean(0)
    method.remember(torch.arange(N), Z)  # type: ignore[operator]
    expected = 0.1 * (Z - (prior + 1e-12).log())
    assert torch.allclose(method.memory, expected, atol=1e-5)  # type: ignore[arg-type]
    method.remember(torch.arange(N), Z)  # type: ignore[operator]
    assert torch.allclose(method.memory, 1.9 * expected, atol=1e-5)  # type: ignore[arg-type]
    rng = info().generator("nvum")
    u = rng.random()
    lam, order = max(u, 1 - u), rng.permutation(N)
    q = lam * 1.9 * expected + (1 - lam) * 1.9 * expected[order]
    regularizer = (1 - (q * Z.sigmoid().clamp(1e-4, 1 - 1e-4)).sigmoid()).log()
    assert value(method) == pytest.approx(float((BCE + regularizer).mean()), rel=1e-4)


@pytest.mark.parametrize("exact", [False, True])
def test_nbpo_climbs_along_its_slopes_and_starts_with_few_missing_positives(exact: bool) -> None:
    method = ready("nbpo", exact=exact, decay=0.0, start=0.05)
    mine, label = method.of_example.weight, method.of_label  # type: ignore[union-attr]
    flip = (mine @ label.T).sigmoid().detach()
    assert 0.02 < float(flip.min()) < float(flip.max()) < 0.12
    z = Z.clone().requires_grad_(True)
    found = method.objective(step(z))
    found.backward()
    slope = functional.missing_positive_slopes(Z.sigmoid(), flip, Y.float(), exact)
    assert torch.allclose(z.grad, -slope[0] / (N * C), atol=1e-6)  # type: ignore[arg-type]
    assert torch.allclose(label.grad, -(slope[1].T @ mine) / (N * C), atol=1e-6)  # type: ignore[union-attr,arg-type]
    seen = Z.sigmoid() * (1 - flip)
    assert found.item() == pytest.approx(float(F.binary_cross_entropy(seen, Y.float())), rel=1e-4)


def test_dividemix_ml_gives_all_labels_of_an_example_one_posterior() -> None:
    y = torch.from_numpy((RNG.random((60, 3)) < 0.5).astype(np.int64))
    method = ready("dividemix_ml", y)
    good = torch.where(y == 1, 0.9, 0.1)
    good[:20] = 1 - good[:20]
    w = method._posterior(torch.stack((1 - good, good), -1).reshape(-1, 2), []).reshape(60, 3)  # type: ignore[operator]
    assert bool((w == w[:, :1]).all())
    assert float(w[:20].max()) < 0.5 < float(w[20:].min())


def test_partial_bce_weighs_examples_by_their_known_share() -> None:
    assert value(ready("partial_bce")) == pytest.approx(float(BCE.mean()), rel=1e-5)
    y = Y.clone()
    y[0, 1:], y[1] = -1, -1
    g = -4.45 * 0.25 + 5.45
    rest = BCE[2:].mean(1).sum()
    assert value(ready("partial_bce", y), y=y) == pytest.approx(float(g * BCE[0, 0] + rest) / N, rel=1e-5)
    assert value(ready("partial_bce", y, over="all"), y=y) == pytest.approx(float(g * BCE[0, 0] / C + rest) / N, rel=1e-5)


def test_splc_corrects_from_the_second_epoch() -> None:
    method = ready("splc", gamma=0.0)
    z = torch.where(Y == 1, Z - 1, Z)
    assert value(method) == pytest.approx(float(F.binary_cross_entropy_with_logits(z, Y.float(), reduction="sum")), rel=1e-5)
    assert value(method, epoch=1) == pytest.approx(float(functional.splc_loss(Z, Y.float(), 0.6, 1.0, 0.0).sum()), rel=1e-5)


def test_sessions_see_new_labels_keep_old_predictions_and_hold_entropy() -> None:
    method = ready("class_incremental", epochs=6, base=2, each=1)
    assert method.sessions == [(0, 2), (2, 3), (3, 4)]
    old = torch.full((N * C, 2), 0.25)

    def evaluate(split: str) -> Tensor:
        return old

    entropy = 0.04 * (Z.sigmoid() * (Z.sigmoid() + 1e-5).log())
    half = (Z + torch.cat([Z[:, :2], torch.zeros(N, 2)], 1)) / 2  # the graph knows the first two labels
    first = F.binary_cross_entropy_with_logits(half[:, :2], Y[:, :2].float())  # no entropy yet
    assert value(method) == pytest.approx(float(first), rel=1e-5)
    assert method.phases(4, evaluate)[0].name == "session 2"  # type: ignore[arg-type]
    new = F.binary_cross_entropy_with_logits(Z[:, 3:], Y[:, 3:].float())
    kept = F.binary_cross_entropy_with_logits(Z[:, :3], torch.full((N, 3), 0.25))
    assert value(method, epoch=4) == pytest.approx(float(0.5 * new + 0.5 * kept + entropy.sum(1).mean()), rel=1e-5)


def test_bomd_keeps_examples_whose_labels_rank_first_and_asks_neighbours_for_the_others() -> None:
    score = torch.tensor([[3.0, 2.0, 1.0], [3.0, 2.0, 1.0], [3.0, 2.0, 1.0]])
    assert ranked_first(score, torch.tensor([[1.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 0.0, 0.0]])).tolist() == [True, False, False]
    center = np.repeat(np.array([[0.0, 0.0], [10.0, 10.0]]), 8, axis=0)
    bags = center[:, None] + RNG.normal(0, 0.1, (16, 3, 2))
    y = np.repeat(np.array([[1.0, 0.0], [0.0, 1.0]]), 8, axis=0)
    y[0] = [0.0, 1.0]  # its neighbours disagree
    vote = nearest_votes(bags, y, 5)
    assert vote[0].tolist() == [1.0, 0.0]
    assert vote[8].tolist() == [0.0, 1.0]


def test_an_example_that_a_list_lacks_has_the_rank_after_the_last() -> None:
    """Three descriptors of example 0: one list holds only example 1, two hold only example 2."""
    bags = np.array([[[0.0], [100.0], [200.0]], [[0.1], [300.0], [301.0]], [[100.1], [200.1], [400.0]], [[500.0], [501.0], [502.0]]])
    vote = nearest_votes(bags, np.eye(4), 1, listed=1)
    assert vote[0].tolist() == [0.0, 0.0, 1.0, 0.0]


def test_label_vectors_come_from_cooccurrence_or_a_file(tmp_path: Path) -> None:
    y = torch.tensor([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    names = ["Edema", "Lung mass", "Hernia"]
    expected = F.normalize(torch.tensor([[1.0, 0.5, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]), dim=1)
    assert torch.allclose(label_vectors(y, names, "cooccurrence"), expected)
    np.save(tmp_path / "w.npy", np.ones((3, 4)))
    assert torch.allclose(label_vectors(y, names, str(tmp_path / "w.npy")), torch.full((3, 4), 0.5))
    np.save(tmp_path / "few.npy", np.ones((2, 4)))
    with pytest.raises(ConfigError, match="the task has 3 labels"):
        label_vectors(y, names, str(tmp_path / "few.npy"))
    with pytest.raises(DataError, match="cannot be read as an array"):
        label_vectors(y, names, str(tmp_path / "none.npy"))


def test_label_vectors_of_names_can_be_learned_from(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    @torch.inference_mode()
    def pooled(tokenizer: object, encoder: object, texts: list[str]) -> Tensor:
        asked.extend(texts)
        return torch.eye(len(texts))

    monkeypatch.setattr(minilm, "folder", lambda: Path("here"))
    monkeypatch.setattr(minilm, "pooled", pooled)
    monkeypatch.setattr("benchmark.models.transformer.loaded", lambda name: (name, None))
    w = label_vectors(torch.zeros(2, 2), ["Edema", "Lung_mass"], "minilm")
    assert asked == ["Edema", "Lung mass"]
    v = torch.ones(1, 2, requires_grad=True)
    (v @ w.T).sum().backward()
    assert torch.equal(v.grad, torch.ones(1, 2))  # type: ignore[arg-type]


def test_glc_reads_its_matrix_from_trusted_examples() -> None:
    right = torch.full((N * C,), -1)
    right[:C] = torch.tensor([1, 0, 1, 0])
    right[C : 2 * C] = torch.tensor([1, 0, 0, 1])
    predicted = torch.tensor([[0.3, 0.7]]).repeat(2 * C, 1)

    class Half:
        def predict(self, rows: np.ndarray) -> Tensor:
            assert rows.tolist() == [0, 1]
            return predicted

    def fit(indices: np.ndarray) -> Half:
        assert indices.tolist() == [2, 3, 4, 5]
        return Half()

    method = load_method("glc")
    method.prepare(fit, info(trusted=right))
    assert torch.allclose(method.transition[0], torch.tensor([[1.0, 0.0], [0.3, 0.7]]))  # type: ignore[index]
    assert torch.allclose(method.transition[2], torch.tensor([[0.3, 0.7], [0.3, 0.7]]))  # type: ignore[index]
    trusted = F.binary_cross_entropy_with_logits(Z[:2], right[: 2 * C].reshape(2, C).float(), reduction="sum")
    p = Z[2:].sigmoid()
    t = method.transition  # type: ignore[assignment]
    one = p * t[:, 1, 1] + (1 - p) * t[:, 0, 1]  # type: ignore[index]
    noisy = -torch.where(Y[2:] == 1, one.clamp(min=1e-12), (1 - one).clamp(min=1e-12)).log().sum()
    assert value(method) == pytest.approx(float(trusted + noisy) / (N * C), rel=1e-4)


def test_noise_layer_starts_too_near_the_identity_to_explain_a_rare_label_and_learns() -> None:
    y = torch.zeros(98, C, dtype=torch.int64)
    y[:4, 1], y[:49, 2] = 1, 1
    start = ready("noise_layer", y, diagonal=0.9).estimated_transition()
    for k, share in ((1, 0.05), (2, 0.5)):  # 5 and 50 of 98 + 2
        expected = torch.tensor([[1 - 0.1 * share, 0.1 * share], [0.1 * (1 - share), 0.9 + 0.1 * share]])
        assert torch.allclose(start[k], expected, atol=1e-6)  # type: ignore[index]
    method = ready("noise_layer", diagonal=0.9)
    method.objective(step()).backward()
    (weight,) = method.trained_parameters()
    assert float(weight.grad.abs().sum()) > 0  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "name", ["assume_negative", "wan", "lsan", "hill", "large_loss", "comic", "masked_supervision", "nbpo", "nvum", "propensity", "sparsemax"]
)
def test_an_unknown_label_has_no_gradient(name: str) -> None:
    y = Y.clone()
    y[1, 2] = -1
    method = ready(name, y, declared=no_noise(), **({"balance": False} if name == "comic" else {}))
    z = Z.clone().requires_grad_(True)
    method.objective(step(z, y, epoch=1)).backward()
    assert z.grad is not None
    assert float(z.grad[1, 2]) == 0
    assert float(z.grad[0].abs().sum()) > 0
