"""What a pipeline is given when nobody gives it anything."""

from emulator.core.aggregate.environment import PipelineEnvironment


def test_without_a_database_there_is_nothing_else():
    environment = PipelineEnvironment(now_ms=5)
    assert environment.collection("any") is None
    assert list(environment.sample(3, 2)) == [0, 1]
    assert environment.geo_indexes == {}
    assert environment.watch() is None
