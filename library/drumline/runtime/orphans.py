"""Orphaned placement groups: resources that Ray still reserves for dead actors.

A placement group lives as long as its job, even if the actor that created it has died. Ray Train watches its
controller through the dashboard, which a private cluster lacks; here the cluster's own state is queried.
"""

import ray
from ray._private.state import state  # the public functions omit a group's creator
from ray._raylet import PlacementGroupID
from ray.core.generated.gcs_pb2 import PlacementGroupTableData
from ray.util.placement_group import PlacementGroup, remove_placement_group


def remove_orphaned_groups() -> None:
    """Remove the placement groups of this job's dead actors."""
    job = ray.get_runtime_context().get_job_id()
    for data in state._connect_and_get_accessor().get_placement_group_table():
        group = PlacementGroupTableData.FromString(data)
        is_gone = group.state == PlacementGroupTableData.REMOVED
        is_ours = group.creator_job_id.hex() == job and not group.is_detached
        if is_ours and group.creator_actor_dead and group.creator_actor_id.strip(b"\xff") and not is_gone:
            remove_placement_group(PlacementGroup(PlacementGroupID(group.placement_group_id)))
