//! Agents as child processes: started in a group of their own, fed, heard, and ended on time with all they started.
