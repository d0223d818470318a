//! Where ECS can balance a service between Availability Zones.
//!
//! Source: ECS developer guide, "Balancing an Amazon ECS service across Availability Zones".

use crate::model::kinds::service::Service;

/// Why ECS cannot balance a service of this maximum percentage between zones, in words; `None`: it
/// can.
pub(super) fn trouble(service: &Service, maximum: i32) -> Option<&'static str> {
    let first = service.placement_strategy.first();
    let by_zone = first.is_none_or(|first| {
        first.kind.eq_ignore_ascii_case("spread")
            && first.field.as_deref() == Some("attribute:ecs.availability-zone")
    });
    let in_zone = service
        .placement_constraints
        .iter()
        .filter_map(|constraint| constraint.expression.as_deref())
        .any(|expression| expression.contains("ecs.availability-zone"));
    if service.scheduling_strategy.as_deref() == Some("DAEMON") {
        Some("a DAEMON has a task on every instance, and no zones to balance")
    } else if maximum <= 100 {
        Some("rebalancing between zones needs room for another task: maximumPercent above 100")
    } else if service.launch_type.as_deref() == Some("EXTERNAL") {
        Some("instances outside AWS are in no zone")
    } else if !by_zone {
        Some("the first placement strategy has to spread tasks by attribute:ecs.availability-zone")
    } else if in_zone {
        Some("a placement constraint already names zones")
    } else {
        None
    }
}
