//! What an administrator may ask: the messages that REST, pages and the command line send.
//!
//! [`Desk`] is the bundle of recipients that the web is given. It never sees an actor, a socket or the
//! store, so a test can put recorders in their place.

mod access;
mod air;
mod calls;
mod certificates;
mod fault;
mod features;
mod phone_book;
mod plant;
mod provisioning;
mod rooms;
mod settings;
mod texts;
mod users;

use actix::prelude::*;

pub use access::*;
pub use air::*;
pub use calls::*;
pub use certificates::*;
pub use fault::{DeskFault, FieldFault};
pub use features::*;
pub use phone_book::*;
pub use plant::*;
pub use provisioning::*;
pub use rooms::*;
pub use settings::*;
pub use texts::*;
pub use users::*;

/// Recipients of every question and order an administrator has.
#[derive(Clone)]
#[allow(missing_docs)] // each field is named after its message, which is documented
pub struct Desk {
    pub list_users: Recipient<ListUsers>,
    pub get_user: Recipient<GetUser>,
    pub create_user: Recipient<CreateUser>,
    pub change_user: Recipient<ChangeUser>,
    pub delete_user: Recipient<DeleteUser>,
    pub import_users: Recipient<ImportUsers>,
    pub get_forwarding: Recipient<GetForwarding>,
    pub set_forwarding: Recipient<SetForwarding>,
    pub get_lines: Recipient<GetLines>,
    pub set_lines: Recipient<SetLines>,
    pub list_feature_codes: Recipient<ListFeatureCodes>,
    pub list_rooms: Recipient<ListRooms>,
    pub get_room: Recipient<GetRoom>,
    pub create_room: Recipient<CreateRoom>,
    pub change_room: Recipient<ChangeRoom>,
    pub delete_room: Recipient<DeleteRoom>,
    pub mute_member: Recipient<MuteMember>,
    pub remove_member: Recipient<RemoveMember>,
    pub list_call_log: Recipient<ListCallLog>,
    pub clear_call_log: Recipient<ClearCallLog>,
    pub get_mailbox: Recipient<GetMailbox>,
    pub set_mailbox: Recipient<SetMailbox>,
    pub list_calls: Recipient<ListCalls>,
    pub get_call: Recipient<GetCall>,
    pub get_ladder: Recipient<GetLadder>,
    pub hang_up_call: Recipient<HangUpCall>,
    pub list_base_stations: Recipient<ListBaseStations>,
    pub get_base_station: Recipient<GetBaseStation>,
    pub describe_base_station: Recipient<DescribeBaseStation>,
    pub list_handsets: Recipient<ListHandsets>,
    pub list_registrations: Recipient<ListRegistrations>,
    pub get_capacity: Recipient<GetCapacity>,
    pub get_overview: Recipient<GetOverview>,
    pub get_health: Recipient<GetHealth>,
    pub check_token: Recipient<CheckToken>,
    pub create_token: Recipient<CreateToken>,
    pub list_tokens: Recipient<ListTokens>,
    pub revoke_token: Recipient<RevokeToken>,
    pub list_certificates: Recipient<ListCertificates>,
    pub import_certificate: Recipient<ImportCertificate>,
    pub delete_certificate: Recipient<DeleteCertificate>,
    pub search_phone_book: Recipient<SearchPhoneBook>,
    pub get_phone_book_entry: Recipient<GetPhoneBookEntry>,
    pub create_phone_book_entry: Recipient<CreatePhoneBookEntry>,
    pub change_phone_book_entry: Recipient<ChangePhoneBookEntry>,
    pub delete_phone_book_entry: Recipient<DeletePhoneBookEntry>,
    pub import_phone_book: Recipient<ImportPhoneBook>,
    pub export_phone_book: Recipient<ExportPhoneBook>,
    pub get_phone_book_state: Recipient<GetPhoneBookState>,
    pub read_directory: Recipient<ReadDirectory>,
    pub list_provisioning: Recipient<ListProvisioning>,
    pub open_provisioning: Recipient<OpenProvisioning>,
    pub close_provisioning: Recipient<CloseProvisioning>,
    pub fetch_provisioning: Recipient<FetchProvisioning>,
    pub resync_base_station: Recipient<ResyncBaseStation>,
    pub list_texts: Recipient<ListTexts>,
    pub get_text: Recipient<GetText>,
    pub send_text: Recipient<SendText>,
    pub withdraw_text: Recipient<WithdrawText>,
    pub confirm_text: Recipient<ConfirmText>,
    pub prove_handset: Recipient<ProveHandset>,
    pub list_settings: Recipient<ListSettings>,
    pub change_setting: Recipient<ChangeSetting>,
    pub check_administrator: Recipient<CheckAdministrator>,
    pub log_in: Recipient<LogIn>,
    pub check_session: Recipient<CheckSession>,
    pub log_out: Recipient<LogOut>,
    pub air: Option<AirDesk>,
}
