"""What results say: heat spots, local heat, voltage drops."""
