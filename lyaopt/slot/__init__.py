"""One time slot, and many at once: problems, exact solutions with certificates, and their documents."""
