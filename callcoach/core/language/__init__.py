"""What was said: strong words, acknowledgement, phrases, jargon, questions, holds, the close. Words only, no sound."""
