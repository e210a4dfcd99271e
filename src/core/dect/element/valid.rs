//! Whether contents can be read by the type their tag stands for.

use super::*;

/// Checks contents against the coding of their element. Elements this product has no type for are as good
/// as they came.
pub fn valid(element: &Element) -> Result<(), BadContent> {
    fn by<T: Coding>(element: &Element) -> Result<(), BadContent> {
        T::decode(&element.content).map(|_| ())
    }
    match element.tag {
        Tag::INFO_TYPE => by::<InfoType>(element),
        Tag::IDENTITY_TYPE => by::<IdentityType>(element),
        Tag::PORTABLE_IDENTITY => by::<PortableIdentity>(element),
        Tag::FIXED_IDENTITY => by::<FixedIdentity>(element),
        Tag::LOCATION_AREA => by::<LocationArea>(element),
        Tag::AUTH_TYPE => by::<AuthType>(element),
        Tag::ALLOCATION_TYPE => by::<AllocationType>(element),
        Tag::RAND => by::<Rand>(element),
        Tag::RES => by::<Res>(element),
        Tag::RS => by::<Rs>(element),
        Tag::SERVICE_CHANGE_INFO => by::<ServiceChange>(element),
        Tag::CIPHER_INFO => by::<CipherInfo>(element),
        Tag::PROGRESS_INDICATOR => by::<Progress>(element),
        Tag::TIME_DATE => by::<TimeDate>(element),
        Tag::FEATURE_ACTIVATE => by::<FeatureActivate>(element),
        Tag::FEATURE_INDICATE => by::<FeatureIndicate>(element),
        Tag::ZAP_FIELD => by::<Zap>(element),
        Tag::SERVICE_CLASS => by::<ServiceClass>(element),
        Tag::KEY => by::<KeyData>(element),
        Tag::REJECT_REASON => by::<RejectReason>(element),
        Tag::SETUP_CAPABILITY => by::<SetupCapability>(element),
        Tag::TERMINAL_CAPABILITY => by::<TerminalCapability>(element),
        Tag::CALLING_PARTY_NUMBER => by::<CallingNumber>(element),
        Tag::CALLING_PARTY_NAME => by::<CallingName>(element),
        Tag::CALLED_PARTY_NUMBER => by::<CalledNumber>(element),
        Tag::CALLED_PARTY_NAME => by::<CalledName>(element),
        Tag::DURATION => by::<Duration>(element),
        Tag::SEGMENTED_INFO => by::<Segment>(element),
        Tag::ALPHANUMERIC => by::<Alphanumeric>(element),
        Tag::IWU_TO_IWU => by::<IwuToIwu>(element),
        Tag::MODEL_IDENTIFIER => by::<Model>(element),
        Tag::ESCAPE_TO_PROPRIETARY => by::<Proprietary>(element),
        Tag::CODEC_LIST => by::<CodecList>(element),
        Tag::EVENTS_NOTIFICATION => by::<Events>(element),
        Tag::CALL_INFORMATION => by::<CallInformation>(element),
        Tag::BASIC_SERVICE => by::<BasicService>(element),
        Tag::RELEASE_REASON => by::<ReleaseReason>(element),
        Tag::SIGNAL => by::<Signal>(element),
        Tag::TIMER_RESTART => by::<TimerRestart>(element),
        _ => Ok(()),
    }
}
