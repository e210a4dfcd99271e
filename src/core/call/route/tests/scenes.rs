//! Call waiting and meet-me rooms, as the router decides about them.

use super::*;

crate::call::town::scenes::observed! {
    a_third_call_finds_the_user_busy: CallWaiting, CallWaiting,
        "21 talks, and a call waits; 20 calls 21",
        "20 is told 486", || {
            let world = engaged(2, |_| {});
            called(&world)
        };
    who_forwards_when_busy_lets_nobody_wait: CallWaiting, ForwardBusy,
        "21 talks and forwards to 22 when busy; 20 calls 21",
        "22 rings", || {
            let world = engaged(1, |set| set.busy = Some("22".into()));
            called(&world)
        };
    who_forwards_always_lets_nobody_wait: CallWaiting, ForwardAlways,
        "21 talks and forwards always to 22; 20 calls 21",
        "22 rings", || {
            let world = engaged(1, |set| set.always = Some("22".into()));
            called(&world)
        };
    a_call_waits_where_the_forward_leads: CallWaiting, ForwardAlways,
        "22 forwards always to 21, who talks; 20 calls 22",
        "20's call waits at 21", || {
            let mut world = engaged(1, |_| {});
            set(&mut world, "22", |set| set.always = Some("21".into()));
            from_to(&world, Some("20"), "22")
        };
    a_call_that_waits_too_long_is_forwarded: CallWaiting, ForwardNoAnswer,
        "21 talks and forwards to 22 without answer; 20 calls 21",
        "20's call waits at 21; after 20 s 22 is called", || {
            let world = engaged(1, |set| set.no_answer = Some("22".into()));
            called(&world)
        };
    out_of_range_lets_nobody_wait: CallWaiting, ForwardOutOfRange,
        "21 talks, comes out of range and forwards to 22 then; 20 calls 21",
        "22 rings", || {
            let mut world = engaged(1, |set| set.out_of_range = Some("22".into()));
            world.users.get_mut("21").unwrap().located = false;
            called(&world)
        };
    who_is_quiet_lets_nobody_wait: CallWaiting, DoNotDisturb,
        "21 talks and does not want to be disturbed; 20 calls 21",
        "20 is told 486", || {
            let world = engaged(1, |set| set.do_not_disturb = true);
            called(&world)
        };
    calls_wait_at_who_may_call_nobody: CallWaiting, Barring,
        "21 may call nobody and talks; 20 calls 21",
        "20's call waits at 21", || {
            let mut world = engaged(1, |_| {});
            world.users.get_mut("21").unwrap().allowed = Some(AllowedCalls::NOTHING);
            called(&world)
        };
    the_desk_that_calls_back_waits_although_nobody_else_may: CallWaiting, Emergency,
        "21 has called 112, talks again, lets no calls wait and forwards to 22 when busy; 112 calls 21",
        "112's call waits at 21", || {
            let mut world = engaged(1, |set| {
                (set.busy, set.call_waiting) = (Some("22".into()), false);
            });
            world.users.get_mut("21").unwrap().called_emergency = true;
            from_to(&world, None, "21")
        };
    a_code_lets_no_calls_wait: CallWaiting, DialledCode,
        "21 dials #43#, and talks; 20 calls 21",
        "20 is told 486", || {
            let mut world = engaged(1, |_| {});
            let code = routed(&world, Some("21"), "sip:%2343%23@here", First);
            let Way::Code(CodeOrder::CallWaiting(lets)) = code.way else { return words(&code, "21") };
            set(&mut world, "21", |set| set.call_waiting = lets);
            called(&world)
        };
    a_room_is_dialled_although_calls_are_barred: Room, Barring,
        "20 may call nobody and dials the room 8001",
        "20 is at the door of 8001", || {
            let mut world = house();
            world.users.get_mut("20").unwrap().allowed = Some(AllowedCalls::NOTHING);
            from_to(&world, Some("20"), "8001")
        };
    who_is_quiet_dials_a_room: Room, DoNotDisturb,
        "20 does not want to be disturbed and dials the room 8001",
        "20 is at the door of 8001", || {
            let mut world = house();
            set(&mut world, "20", |set| set.do_not_disturb = true);
            from_to(&world, Some("20"), "8001")
        };
    no_room_hides_the_emergency_desk: Room, Emergency,
        "there is a room 112; 20 dials 112",
        "20's line calls 112 in the north", || from_to(&house(), Some("20"), "112");
    a_room_of_the_house_is_not_dialled_from_outside: Room, Room,
        "90 dials the room 8002, which is for the house",
        "90 is told 404", || from_to(&house(), None, "8002");
    a_click_rings_through_the_users_own_forward: Click, ForwardAlways,
        "20 forwards always to 22, and clicks to talk with 21",
        "20 rings", || clicked(|set| set.always = Some("22".into()), "21");
    a_click_rings_whoever_is_quiet: Click, DoNotDisturb,
        "20 does not want to be disturbed, and clicks to talk with 21",
        "20 rings", || clicked(|set| set.do_not_disturb = true, "21");
    a_click_leads_into_a_room: Click, Room,
        "20 clicks to come into the room 8002",
        "20 rings", || clicked(|_| {}, "8002");
    a_click_has_the_rights_of_its_user: Click, Barring,
        "20 may call inside only, and clicks to talk with 00391234",
        "nobody rings: 403", || clicked(|_| {}, "00391234");
    nobody_clicks_for_help: Click, Emergency,
        "20 clicks to talk with 112",
        "nobody rings: 403", || clicked(|_| {}, "112");
    nobody_clicks_a_code: Click, DialledCode,
        "20 clicks to talk with *21*22",
        "nobody rings: 403", || clicked(|_| {}, "*21*22");
    a_click_waits_at_who_talks: Click, CallWaiting,
        "20 talks, and clicks to talk with 21",
        "20's call waits at 20", || {
            let mut world = house();
            world.users.get_mut("20").unwrap().calls = 1;
            rung(&world)
        };
    a_forward_leads_into_a_room: Room, ForwardAlways,
        "21 forwards always to the room 8001; 20 calls 21",
        "20 is at the door of 8001", || {
            let mut world = house();
            set(&mut world, "21", |set| set.always = Some("8001".into()));
            called(&world)
        };
}

fn house() -> World {
    let known = world(true).users["bob"].clone();
    World { users: ["20", "21", "22"].map(|number| (number, known.clone())).into(), north: true }
}

/// 20, who has set something and may call inside only, clicks to talk with somebody.
fn clicked(change: impl FnOnce(&mut Forwarding), to: &str) -> String {
    let mut world = house();
    world.users.get_mut("20").unwrap().allowed = Some(AllowedCalls::INTERNAL);
    set(&mut world, "20", change);
    let uri = Uri::parse(&format!("sip:{to}@here").as_str().into()).unwrap();
    match check_click(&"20".parse().unwrap(), &uri, &DialPlan::default(), First, &world) {
        Ok(()) => rung(&world),
        Err(cause) => format!("nobody rings: {}", cause.status),
    }
}

/// The switch calls 20 for 20's own sake.
fn rung(world: &World) -> String {
    let (own, user) = (Uri::parse(&"sip:20@here".into()).unwrap(), "20".parse().unwrap());
    let click =
        Ask::Dialled { facing: Facing::South, caller: Some(&user), uri: &own, trail: &[], callback: true };
    words(&way(click, &DialPlan::default(), First, world), "20")
}

/// 21 has so many calls, and has set something.
fn engaged(calls: usize, change: impl FnOnce(&mut Forwarding)) -> World {
    let mut world = house();
    world.users.get_mut("21").unwrap().calls = calls;
    set(&mut world, "21", change);
    world
}

/// 20 calls 21.
fn called(world: &World) -> String {
    from_to(world, Some("20"), "21")
}

/// A user calls; none: the desk or 90 in the north does.
fn from_to(world: &World, from: Option<&str>, to: &str) -> String {
    let caller = from.unwrap_or(if world.users["21"].called_emergency { "112" } else { "90" });
    words(&routed(world, from, &format!("sip:{to}@here"), First), caller)
}

fn words(routed: &Routed, caller: &str) -> String {
    let first = match &routed.way {
        Way::Handset(user) if routed.waits => format!("{caller}'s call waits at {user}"),
        Way::Handset(user) => format!("{user} rings"),
        Way::North { line, number } => {
            format!("{line}'s line calls {} in the north", number.as_deref().unwrap_or("as is"))
        }
        Way::Room(room) => format!("{caller} is at the door of {room}"),
        Way::NewRoom => format!("{caller} is in a new room"),
        Way::Code(order) => format!("the switch obeys {order:?}"),
        Way::Refuse(cause) => format!("{caller} is told {}", cause.status),
    };
    let later = routed.forwards.no_answer.as_ref();
    let later = later.map(|(after, to)| format!("after {} s {to} is called", after.as_secs()));
    [Some(first), later].into_iter().flatten().collect::<Vec<_>>().join("; ")
}
