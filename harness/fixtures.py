"""The fixtures that suites are written with.

A test is run for each value of the finest axis that it asks for, itself or through other fixtures: `model` (also `network`),
`placement` (also `deployment`, `board`) or `combination`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from harness.adapting import PlayedDay, a_day, measured_costs, played
from harness.boards import Board, Boards
from harness.combinations import Combination, Model, Placement, Subject
from harness.failures import count_failure, keep_failure
from harness.forensics import Forensics
from harness.health import UNFIT, Examination, unfit
from harness.keys import BOARDS, EXAMINATION, FORENSICS, LEASES, PLAN, RUN_FILE, subject_of
from harness.matrix import Matrix
from harness.networks import Deployment, Network, Networks
from harness.plan import Plan
from harness.recorder import Circumstances, Recorder
from harness.replay import DeviceClock
from harness.resolution import accepted, too_coarse
from harness.sharing import on_connect
from targets.connect import connect
from targets.firmware import Firmware, build
from targets.target import Timing


@pytest.fixture(scope="session")
def plan(pytestconfig: pytest.Config) -> Plan:
    """The matrix and its devices."""
    return pytestconfig.stash[PLAN]


@pytest.fixture(scope="session")
def matrix(plan: Plan) -> Matrix:
    """What the run covers, with the numbers of samples and repeats."""
    return plan.matrix


@pytest.fixture
def subject(request: pytest.FixtureRequest, plan: Plan) -> Subject:
    """What the test measures."""
    found = subject_of(request.node)
    assert found is not None, "a test that measures asks for `model`, `placement` or `combination`"
    absence = plan.absence(found)
    if absence is not None:
        pytest.fail(f"{absence} (it is required)", pytrace=False)
    return found


@pytest.fixture
def combination(subject: Combination) -> Combination:
    """Axis: one subnetwork of a model in one precision on one device."""
    return subject


@pytest.fixture
def placement(subject: Combination | Placement) -> Placement:
    """Axis: a model in one precision on one device."""
    return subject.placement


@pytest.fixture
def model(subject: Subject) -> Model:
    """Axis: an architecture trained on a data set."""
    return subject.model


@pytest.fixture(scope="session")
def networks(matrix: Matrix) -> Networks:
    """The networks of the matrix."""
    return Networks(matrix)


@pytest.fixture
def network(model: Model, networks: Networks) -> Network:
    """The trained network of the test's model."""
    return networks.network(model)


@pytest.fixture
def deployment(placement: Placement, plan: Plan, networks: Networks) -> Deployment:
    """The image of the test's model in the test's precision, as the test's device wants it."""
    return networks.deployment(placement.model, placement.precision, plan.devices[placement.device].layouts)


@pytest.fixture(scope="session")
def boards(pytestconfig: pytest.Config, matrix: Matrix) -> Iterator[Boards]:
    """The connections of this session."""
    path = pytestconfig.stash[RUN_FILE]
    log_folder = path.with_suffix(".logs")
    hold = pytestconfig.stash[LEASES].hold
    forensics = pytestconfig.stash[FORENSICS] = Forensics(path, log_folder)
    examination = pytestconfig.stash[EXAMINATION] = Examination()
    checked = examination.before(forensics.recording(lambda device, transcript: connect(device, log_folder, transcript)))
    opened = pytestconfig.stash[BOARDS] = Boards(checked, matrix.repeats, on_connect(path), hold)
    yield opened
    opened.close()


@pytest.fixture
def board(placement: Placement, deployment: Deployment, plan: Plan, boards: Boards, request: pytest.FixtureRequest) -> Board:
    """The test's device, with the test's image loaded; the test is skipped if it is a board that has failed its check."""
    found = boards[plan.devices[placement.device]]
    try:
        found.load(deployment.content, deployment.sha256)
    except UNFIT as error:
        device, config = found.device, request.config
        reason = unfit(device, config.stash[EXAMINATION], plan.required)
        if reason is None:
            raise
        count_failure(config, device.id, error)
        pytest.skip(f"{reason}: {error}\n  what was seen is {keep_failure(request.node, device.id, error)}")
    return found


@pytest.fixture
def firmware(board: Board, deployment: Deployment) -> Firmware:
    """The program that runs on the test's device, with the image in it if that is where the device keeps it."""
    return build(board.device.environment, image=deployment.content if board.loaded.built_in else b"")


@pytest.fixture
def record(request: pytest.FixtureRequest, pytestconfig: pytest.Config, subject: Subject, network: Network) -> Recorder:
    """Writes what the test measures to the file of the run."""
    circumstances = Circumstances()
    if "board" in request.fixturenames:
        board, deployment = request.getfixturevalue("board"), request.getfixturevalue("deployment")
        refusal = too_coarse if board.device.is_board else accepted
        circumstances = Circumstances(board.identity.firmware_sha256, deployment.sha256, board.attempts, refusal)
    path, node = pytestconfig.stash[RUN_FILE], request.node
    return Recorder(path, node.nodeid, subject, network, circumstances, node.user_properties)


REQUESTS = 24  # of a replayed day: one each hour


@pytest.fixture
def play_day(board: Board, deployment: Deployment) -> Callable[[str], PlayedDay]:
    """Lets the test's device answer a day of requests, their budgets of a family of traces; costs are measured just before."""
    network = deployment.network
    chosen = network.test_sample(min(REQUESTS, len(network.split.y_test)))
    classes = np.resize(np.asarray(network.split.y_test)[chosen], REQUESTS)
    inputs = deployment.test_inputs(np.resize(chosen, REQUESTS))
    accuracies = (network.logits.argmax(axis=2) == np.asarray(network.split.y_test)).mean(axis=1).tolist()
    table = measured_costs(board, deployment, inputs, accuracies)
    return lambda kind: played(board, table, a_day(kind, REQUESTS, table, network.recipe.seed), inputs, classes)


@pytest.fixture
def to_benchmark(request: pytest.FixtureRequest, subject: Subject) -> Callable[[Timing], None]:
    """Hands the samples of a timing to pytest-benchmark; counts that are not time stay out of it."""

    def replay(timing: Timing) -> None:
        if timing.clock.hz is None:
            return
        clock = DeviceClock()
        request.node.add_marker(pytest.mark.benchmark(timer=clock))
        benchmark = request.getfixturevalue("benchmark")
        benchmark.extra_info.update(subject.facts, unit=timing.clock.kind)
        clock.replay(timing, benchmark)

    return replay
