"""What Ray keeps for actors that are no more.

A placement group lives as long as the job that made it, even if an actor of the job made it and has died. Ray Train
has somebody ask the dashboard whether its controller lives, which a private cluster lacks. The cluster itself knows:
here it is asked.
"""

import ray
from ray._private.state import state  # the public functions leave out who made a group, and whether he lives
from ray._raylet import PlacementGroupID
from ray.core.generated.gcs_pb2 import PlacementGroupTableData
from ray.util.placement_group import PlacementGroup, remove_placement_group


def free_orphans() -> None:
    """Give back what actors of this job had set aside when they died."""
    job = ray.get_runtime_context().get_job_id()
    for data in state._connect_and_get_accessor().get_placement_group_table():
        group = PlacementGroupTableData.FromString(data)
        is_gone = group.state == PlacementGroupTableData.REMOVED
        is_ours = group.creator_job_id.hex() == job and not group.is_detached
        if is_ours and group.creator_actor_dead and group.creator_actor_id.strip(b"\xff") and not is_gone:
            remove_placement_group(PlacementGroup(PlacementGroupID(group.placement_group_id)))
