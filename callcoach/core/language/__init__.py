"""Strong words, acknowledgement, phrases, terms, questions, holds, the close. Words only, no sound."""
