/* Conferences of the client in client.c. */
#ifndef CONFERENCE_H
#define CONFERENCE_H

/* Says yes to every question. */
void conference_start(void);

/* Obeys join URI | new-chat WHO | say TEXT | leave; 0 if it is none of these. */
int conference_obey(void *account, char **words, unsigned count);

#endif
