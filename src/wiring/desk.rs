//! Whom the web asks for what.

use actix::prelude::*;
use kirkwall_actors::access::Access;
use kirkwall_actors::certificates::Certificates;
use kirkwall_actors::desk::Desk;
use kirkwall_actors::directory::Directory;
use kirkwall_actors::post::Post;
use kirkwall_actors::provisioning::Provisioning;
use kirkwall_actors::run_time::RunTime;
use kirkwall_actors::supervisor::Supervisor;
use kirkwall_actors::users::Users;

/// Every question and order of the web with the actor that takes it.
pub fn desk(
    users: &Addr<Users>,
    supervisor: &Addr<Supervisor>,
    access: &Addr<Access>,
    certificates: &Addr<Certificates>,
    directory: &Addr<Directory>,
    (post, provisioning, run_time): (&Addr<Post>, &Addr<Provisioning>, &Addr<RunTime>),
) -> Desk {
    Desk {
        list_users: users.clone().recipient(),
        get_user: users.clone().recipient(),
        create_user: users.clone().recipient(),
        change_user: users.clone().recipient(),
        delete_user: users.clone().recipient(),
        import_users: users.clone().recipient(),
        list_calls: supervisor.clone().recipient(),
        get_call: supervisor.clone().recipient(),
        get_ladder: supervisor.clone().recipient(),
        hang_up_call: supervisor.clone().recipient(),
        list_base_stations: supervisor.clone().recipient(),
        get_base_station: supervisor.clone().recipient(),
        describe_base_station: supervisor.clone().recipient(),
        list_handsets: supervisor.clone().recipient(),
        list_registrations: supervisor.clone().recipient(),
        get_capacity: supervisor.clone().recipient(),
        get_forwarding: supervisor.clone().recipient(),
        set_forwarding: supervisor.clone().recipient(),
        get_lines: supervisor.clone().recipient(),
        set_lines: supervisor.clone().recipient(),
        list_feature_codes: supervisor.clone().recipient(),
        list_rooms: supervisor.clone().recipient(),
        get_room: supervisor.clone().recipient(),
        create_room: supervisor.clone().recipient(),
        change_room: supervisor.clone().recipient(),
        delete_room: supervisor.clone().recipient(),
        mute_member: supervisor.clone().recipient(),
        remove_member: supervisor.clone().recipient(),
        list_call_log: supervisor.clone().recipient(),
        clear_call_log: supervisor.clone().recipient(),
        get_mailbox: supervisor.clone().recipient(),
        set_mailbox: supervisor.clone().recipient(),
        get_overview: supervisor.clone().recipient(),
        get_health: supervisor.clone().recipient(),
        check_token: access.clone().recipient(),
        create_token: access.clone().recipient(),
        list_tokens: access.clone().recipient(),
        revoke_token: access.clone().recipient(),
        list_certificates: certificates.clone().recipient(),
        import_certificate: certificates.clone().recipient(),
        delete_certificate: certificates.clone().recipient(),
        search_phone_book: directory.clone().recipient(),
        get_phone_book_entry: directory.clone().recipient(),
        create_phone_book_entry: directory.clone().recipient(),
        change_phone_book_entry: directory.clone().recipient(),
        delete_phone_book_entry: directory.clone().recipient(),
        import_phone_book: directory.clone().recipient(),
        export_phone_book: directory.clone().recipient(),
        get_phone_book_state: directory.clone().recipient(),
        read_directory: directory.clone().recipient(),
        list_provisioning: provisioning.clone().recipient(),
        open_provisioning: provisioning.clone().recipient(),
        close_provisioning: provisioning.clone().recipient(),
        fetch_provisioning: provisioning.clone().recipient(),
        resync_base_station: supervisor.clone().recipient(),
        list_texts: post.clone().recipient(),
        get_text: post.clone().recipient(),
        send_text: post.clone().recipient(),
        withdraw_text: post.clone().recipient(),
        confirm_text: post.clone().recipient(),
        prove_handset: supervisor.clone().recipient(),
        list_settings: run_time.clone().recipient(),
        change_setting: run_time.clone().recipient(),
        check_administrator: access.clone().recipient(),
        log_in: access.clone().recipient(),
        check_session: access.clone().recipient(),
        log_out: access.clone().recipient(),
        air: None,
    }
}
