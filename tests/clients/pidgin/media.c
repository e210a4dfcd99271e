/* Calls of the client in client.c: libpurple's own media, a tone for a microphone and files for a loudspeaker.
 *
 *   out:  incoming WHO | calling WHO | recording FILE | streaming | pair LOCAL REMOTE | held | resumed | ended
 */
#include "media.h"

#include <libpurple/media-gst.h>
#include <libpurple/purple.h>

static const char *tone, *recordings;
static PurpleMedia *call;

/* One bin of a description in gst-launch's words, with its open ends as pads. */
static GstElement *bin(char *description)
{
    GError *error = NULL;
    GstElement *made = gst_parse_bin_from_description(description, TRUE, &error);
    if (made == NULL)
        say("error", error ? error->message : "no bin", NULL);
    g_free(description);
    return made;
}

static GstElement *microphone(PurpleMedia *media, const gchar *session, const gchar *participant)
{
    /* A tenth of full power, in buffers of 20 ms. */
    return bin(g_strdup_printf("audiotestsrc is-live=true freq=%s volume=0.3162 samplesperbuffer=160 ! "
                               "capsfilter caps=audio/x-raw,format=S16LE,rate=8000,channels=1", tone));
}

static GstElement *loudspeaker(PurpleMedia *media, const gchar *session, const gchar *participant)
{
    static int number;
    char *file = g_strdup_printf("%s/heard-%d.wav", recordings, ++number);
    say("recording", file, NULL);
    GstElement *made = bin(g_strdup_printf(
        "audioconvert ! audioresample ! audio/x-raw,format=S16LE,rate=8000,channels=1 ! wavenc ! "
        "filesink location=%s buffer-mode=unbuffered async=false", file));
    g_free(file);
    return made;
}

static void offer_element(const char *id, PurpleMediaElementType type, PurpleMediaElementCreateCallback create)
{
    PurpleMediaElementInfo *info = g_object_new(PURPLE_TYPE_MEDIA_ELEMENT_INFO, "id", id, "name", id, "type", type,
                                                "create-cb", create, NULL);
    if (!purple_media_manager_set_active_element(purple_media_manager_get(), info))
        say("error", "not taken:", id);
}

/* A call that is still there is taken. */
static gboolean answer(gpointer media)
{
    if (media == call)
        purple_media_stream_info(call, PURPLE_MEDIA_INFO_ACCEPT, NULL, NULL, TRUE);
    return FALSE;
}

static void state_changed(PurpleMedia *media, PurpleMediaState state, gchar *session, gchar *who, gpointer unused)
{
    if (state == PURPLE_MEDIA_STATE_NEW && session != NULL && who != NULL
        && !purple_media_is_initiator(media, session, who))
        g_timeout_add(100, answer, media);
    else if (state == PURPLE_MEDIA_STATE_CONNECTED && session != NULL)
        say("streaming", NULL, NULL);
    else if (state == PURPLE_MEDIA_STATE_END && session == NULL && media == call) {
        call = NULL;
        say("ended", NULL, NULL);
    }
}

static void info_came(PurpleMedia *media, PurpleMediaInfoType info, gchar *session, gchar *who, gboolean local,
                      gpointer unused)
{
    if (!local && info == PURPLE_MEDIA_INFO_HOLD)
        say("held", NULL, NULL);
    else if (!local && info == PURPLE_MEDIA_INFO_UNHOLD)
        say("resumed", NULL, NULL);
}

static char *address(PurpleMediaCandidate *candidate)
{
    char *ip = purple_media_candidate_get_ip(candidate);
    char *all = g_strdup_printf("%s:%u", ip, purple_media_candidate_get_port(candidate));
    g_free(ip);
    return all;
}

static void pair_chosen(PurpleMedia *media, gchar *session, gchar *who, PurpleMediaCandidate *local,
                        PurpleMediaCandidate *remote, gpointer unused)
{
    char *ours = address(local), *theirs = address(remote);
    say("pair", ours, theirs);
    g_free(ours);
    g_free(theirs);
}

static void failed(PurpleMedia *media, const gchar *text, gpointer unused)
{
    say("error", text, NULL);
}

static gboolean call_begins(PurpleMediaManager *manager, PurpleMedia *media, PurpleAccount *account, gchar *who,
                            gpointer unused)
{
    call = media;
    g_signal_connect(media, "state-changed", G_CALLBACK(state_changed), NULL);
    g_signal_connect(media, "stream-info", G_CALLBACK(info_came), NULL);
    g_signal_connect(media, "candidate-pair-established", G_CALLBACK(pair_chosen), NULL);
    g_signal_connect(media, "error", G_CALLBACK(failed), NULL);
    say(purple_media_is_initiator(media, NULL, NULL) ? "calling" : "incoming", who, NULL);
    return TRUE;
}

void media_start(const char *hertz, const char *directory)
{
    tone = hertz;
    recordings = directory;
    PurpleMediaManager *manager = purple_media_manager_get();
    purple_media_manager_set_ui_caps(manager, PURPLE_MEDIA_CAPS_AUDIO | PURPLE_MEDIA_CAPS_AUDIO_SINGLE_DIRECTION);
    offer_element("microphone", PURPLE_MEDIA_ELEMENT_AUDIO | PURPLE_MEDIA_ELEMENT_SRC | PURPLE_MEDIA_ELEMENT_ONE_SRC
                                    | PURPLE_MEDIA_ELEMENT_UNIQUE, microphone);
    offer_element("loudspeaker", PURPLE_MEDIA_ELEMENT_AUDIO | PURPLE_MEDIA_ELEMENT_SINK | PURPLE_MEDIA_ELEMENT_ONE_SINK,
                  loudspeaker);
    g_signal_connect(manager, "init-media", G_CALLBACK(call_begins), NULL);
}

static void tell(PurpleMediaInfoType info)
{
    if (call == NULL)
        say("error", "there is no call", NULL);
    else
        purple_media_stream_info(call, info, NULL, NULL, TRUE);
}

int media_obey(void *account, char **words, unsigned count)
{
    if (count == 2 && !g_strcmp0(words[0], "call")) {
        if (!purple_prpl_initiate_media(account, words[1], PURPLE_MEDIA_AUDIO))
            say("error", "not called:", words[1]);
    } else if (count == 1 && !g_strcmp0(words[0], "hang-up"))
        tell(PURPLE_MEDIA_INFO_HANGUP);
    else if (count == 1 && !g_strcmp0(words[0], "hold"))
        tell(PURPLE_MEDIA_INFO_HOLD);
    else if (count == 1 && !g_strcmp0(words[0], "resume"))
        tell(PURPLE_MEDIA_INFO_UNHOLD);
    else if (count == 1 && !g_strcmp0(words[0], "mute"))
        tell(PURPLE_MEDIA_INFO_MUTE);
    else if (count == 1 && !g_strcmp0(words[0], "unmute"))
        tell(PURPLE_MEDIA_INFO_UNMUTE);
    else
        return 0;
    return 1;
}
